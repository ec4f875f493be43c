"""Devices and hosts that share every batch."""

import itertools
import json
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


STRATEGIES = ("mirrored", "one_device", "multi_host")
CLUSTERS = ("tf_config", "slurm")


def make_strategy(
    name: str = "mirrored", logical_devices: int = 1, cluster: str = "tf_config"
) -> tf.distribute.Strategy:
    """Makes a strategy, before TensorFlow looks at its devices.

    Args:
        name: `"mirrored"` for the GPUs of this machine, or for logical CPU
            devices where it has none; `"one_device"`; `"multi_host"` for
            several processes, started alike on each host.
        logical_devices: Without a GPU, how many devices a mirrored strategy
            makes of the processor.
        cluster: Where a process of several finds the others: `"tf_config"`
            reads the environment variable `TF_CONFIG`, `"slurm"` what Slurm
            sets.

    Raises:
        ValueError: If a name is unknown, or a cluster lacks its settings.
    """
    if name not in STRATEGIES or cluster not in CLUSTERS:
        raise ValueError(
            f"Expected a strategy among {STRATEGIES} and a cluster among "
            f"{CLUSTERS}. Received: {name!r}, {cluster!r}."
        )
    if name == "multi_host":
        return _multi_host(cluster)
    gpus = tf.config.list_physical_devices("GPU")
    if name == "mirrored" and gpus:
        return tf.distribute.MirroredStrategy()
    if name == "one_device" or logical_devices == 1:
        # TensorFlow's default: the first GPU, or the processor.
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * logical_devices
    )
    names = [f"CPU:{index}" for index in range(logical_devices)]
    return tf.distribute.MirroredStrategy(names)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tells whether this process is the one that writes the run's files."""
    jobs = _jobs(strategy)
    resolver = strategy.cluster_resolver
    return not jobs or (resolver.task_type, resolver.task_id) == (jobs[0], 0)


def num_hosts(strategy: tf.distribute.Strategy) -> int:
    """Counts the processes that share every batch."""
    resolver = strategy.cluster_resolver
    counts = [resolver.cluster_spec().num_tasks(job) for job in _jobs(strategy)]
    return sum(counts) or 1


def _jobs(strategy):
    """Lists the cluster's kinds of processes that train, the chief's first."""
    resolver = strategy.cluster_resolver
    spec = resolver.cluster_spec() if resolver else None
    return [x for x in ("chief", "worker") if spec and x in spec.jobs]


def _multi_host(cluster):
    if cluster == "slurm":
        return tf.distribute.MultiWorkerMirroredStrategy(slurm_resolver())
    if not _is_complete(os.environ.get("TF_CONFIG", "")):
        raise ValueError(
            "Expected the environment variable TF_CONFIG to list the hosts, "
            'such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": '
            '{"type": "worker", "index": 0}}. Received: TF_CONFIG='
            f"{os.environ.get('TF_CONFIG')!r}. Set it for each process, or "
            "take another strategy."
        )
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)


def _is_complete(text):
    """Tells whether a TF_CONFIG has hosts and says which one this is."""
    try:
        config = json.loads(text)
        task = config["task"]
        return int(task["index"]) < len(config["cluster"][task["type"]])
    except (ValueError, KeyError, TypeError):
        return False
