"""Finding the other hosts of a Slurm job.

TensorFlow's own resolver asks for `nvidia-smi`, fails without a GPU, and
sorts node10 before node9, so that tasks take each other's address.
"""

import itertools
import os
import re
from collections.abc import Mapping

import tensorflow as tf

VARIABLES = (
    "SLURM_JOB_ID",
    "SLURM_STEP_NODELIST",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_NODEID",
    "SLURM_LOCALID",
)
# Below those that systems give out by themselves. A job has sixteen, so that
# jobs that share a node do not meet.
FIRST_PORT, NUM_PORTS, PORTS_PER_JOB = 12000, 20000, 16


def slurm_resolver(
    environment: Mapping[str, str] = os.environ,
) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Makes a cluster of a step's tasks, from what srun sets for each.

    A task takes the GPUs that it sees.

    Args:
        environment: Where the variables are.

    Raises:
        ValueError: If one is missing or cannot be read.
    """
    missing = [name for name in VARIABLES if name not in environment]
    if missing:
        raise ValueError(
            f"Expected the environment variables {', '.join(VARIABLES)}. "
            f"Received: no {', '.join(missing)}. Start each process by srun, "
            "or take --cluster=tf_config."
        )
    job, hosts, counts, node, local = (environment[x] for x in VARIABLES)
    hosts, counts = expand_hosts(hosts), expand_counts(counts)
    if len(hosts) != len(counts) or int(local) >= counts[int(node)]:
        raise ValueError(
            "Expected as many nodes as numbers of tasks. Received: "
            f"{hosts} with {counts}, task {local} of node {node}. Start each "
            "process by srun."
        )
    first = FIRST_PORT + int(job) * PORTS_PER_JOB % NUM_PORTS
    addresses = [
        f"{host}:{first + offset}"
        for host, count in zip(hosts, counts, strict=True)
        for offset in range(count)
    ]
    gpus = len(tf.config.list_physical_devices("GPU"))
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": addresses}),
        task_type="worker",
        task_id=sum(counts[: int(node)]) + int(local),
        num_accelerators={"GPU": gpus},
        rpc_layer="grpc",
    )


def expand_hosts(text: str) -> list[str]:
    """Writes out Slurm's short form of names, keeping their order.

    `"n[1-2,08],m5"` are `n1`, `n2`, `n08` and `m5`.

    Raises:
        ValueError: If it is no such form.
    """
    found = []
    for part in re.findall(r"(?:[^,\[\]]|\[[^\[\]]*\])+", text):
        pieces = re.split(r"\[([^\]]*)\]", part)
        pieces[1::2] = [_expand_ranges(x) for x in pieces[1::2]]
        pieces[::2] = [[x] for x in pieces[::2]]
        found += ["".join(names) for names in itertools.product(*pieces)]
    return found


def expand_counts(text: str) -> list[int]:
    """Writes out Slurm's short form of numbers: `"2(x3),1"` is 2, 2, 2, 1.

    Raises:
        ValueError: If it is no such form.
    """
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part)
        if not match:
            raise ValueError(
                "Expected numbers of tasks as Slurm writes them, such as "
                f"2(x3),1. Received: {text!r}. Start each process by srun."
            )
        found += [int(match[1])] * int(match[2] or 1)
    return found


def _expand_ranges(text):
    names = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        names += [
            str(number).zfill(len(first))
            for number in range(int(first), int(last or first) + 1)
        ]
    return names
