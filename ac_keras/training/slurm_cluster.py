"""The hosts of a Slurm job step, from what Slurm sets.

TensorFlow has a resolver of its own, which fails on nodes without a GPU,
orders `n10` before `n2` while Slurm's ranks do not, and takes the same ports
for every job.
"""

import itertools
import os
import re
from collections.abc import Iterator
from collections.abc import Mapping

import tensorflow as tf

FIRST_PORT, NUM_PORTS = 12000, 16000  # below those given out for a while
PORTS_PER_JOB = 16  # so that jobs that share a node do not meet
VARIABLES = (
    "SLURM_JOB_ID",
    "SLURM_STEP_NODELIST",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_NODEID",
    "SLURM_LOCALID",
)


def slurm_resolver(
    environment: Mapping[str, str] = os.environ,
) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Makes a resolver in which every task of the step is a worker.

    Tasks are numbered by node and by their place on it, whatever their rank
    is. A task's port follows from the job's number and its place on the node.

    Args:
        environment: What Slurm set for this task.

    Raises:
        ValueError: If Slurm set nothing.
    """
    missing = [name for name in VARIABLES if name not in environment]
    if missing:
        raise ValueError(
            f"Expected the environment variables {', '.join(VARIABLES)}, as "
            f"Slurm sets them for a job step. Received: no "
            f"{', '.join(missing)}. Start the program by srun, or use another "
            "cluster."
        )
    job, nodes, tasks, node, place = (environment[x] for x in VARIABLES)
    tasks = expand_tasks(tasks)
    first_port = FIRST_PORT + int(job) * PORTS_PER_JOB % NUM_PORTS
    workers = [
        f"{name}:{first_port + index}"
        for name, count in zip(expand_nodes(nodes), tasks, strict=True)
        for index in range(count)
    ]
    gpus = tf.config.list_physical_devices("GPU")
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": workers}),
        task_type="worker",
        task_id=sum(tasks[: int(node)]) + int(place),
        num_accelerators={"GPU": len(gpus)},
        rpc_layer="grpc",
    )


def expand_nodes(text: str) -> list[str]:
    """Lists nodes: `n[08-10],m5` are `n08`, `n09`, `n10` and `m5`."""
    nodes = []
    for part in re.findall(r"(?:\[[^]]*\]|[^,[])+", text):
        pieces = re.split(r"\[([^]]*)\]", part)
        pieces[::2] = [[piece] for piece in pieces[::2]]
        pieces[1::2] = [list(_numbers(piece)) for piece in pieces[1::2]]
        nodes += map("".join, itertools.product(*pieces))
    return nodes


def expand_tasks(text: str) -> list[int]:
    """Lists each node's number of tasks: `2(x3),1` is `[2, 2, 2, 1]`."""
    tasks = []
    for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text):
        tasks += [int(count)] * int(times or 1)
    return tasks


def _numbers(ranges: str) -> Iterator[str]:
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first))
