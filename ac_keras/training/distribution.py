"""Distribution strategies over devices and hosts."""

import itertools
import json
import os
import re
from collections.abc import Iterator
from collections.abc import Mapping

import tensorflow as tf

STRATEGIES = ("mirrored", "one_device", "multi_host")
CLUSTERS = ("tf_config", "slurm")
FIRST_PORT, NUM_PORTS = 12000, 16000  # below the range of ephemeral ports
PORTS_PER_JOB = 16  # keeps jobs that share a node apart
SLURM_VARIABLES = (
    "SLURM_JOB_ID",
    "SLURM_STEP_NODELIST",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_NODEID",
    "SLURM_LOCALID",
)


def make_strategy(
    name: str = "mirrored", logical_devices: int = 1, cluster: str = "tf_config"
) -> tf.distribute.Strategy:
    """Creates a strategy. Call it before TensorFlow initializes its devices.

    Args:
        name: `"mirrored"` for the GPUs of this machine, or for logical CPU
            devices if it has none; `"one_device"`; or `"multi_host"` for
            several processes, which are started with the same command on
            each host.
        logical_devices: Number of logical CPU devices of a mirrored strategy
            on a machine without a GPU.
        cluster: Source of the other hosts' addresses: `"tf_config"` reads
            the environment variable `TF_CONFIG`, `"slurm"` the variables
            that Slurm sets.

    Raises:
        ValueError: If a name is unknown, or the cluster's environment
            variables are missing.
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
        # TensorFlow's default: the first GPU, or the CPU.
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * logical_devices
    )
    names = [f"CPU:{index}" for index in range(logical_devices)]
    return tf.distribute.MirroredStrategy(names)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process writes the files of the run."""
    jobs = _training_jobs(strategy)
    resolver = strategy.cluster_resolver
    return not jobs or (resolver.task_type, resolver.task_id) == (jobs[0], 0)


def num_hosts(strategy: tf.distribute.Strategy) -> int:
    """Returns the number of processes that train together."""
    jobs = _training_jobs(strategy)
    if not jobs:
        return 1
    spec = strategy.cluster_resolver.cluster_spec()
    return sum(spec.num_tasks(job) for job in jobs)


def slurm_resolver(
    environment: Mapping[str, str] = os.environ,
) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Creates a resolver in which every task of a Slurm step is a worker.

    Tasks are numbered by node and by their local id, independent of their
    rank. The port of a task follows from the job id and the local id.

    Raises:
        ValueError: If one of Slurm's variables is missing.
    """
    missing = [name for name in SLURM_VARIABLES if name not in environment]
    if missing:
        raise ValueError(
            "Expected the environment variables "
            f"{', '.join(SLURM_VARIABLES)}, as Slurm sets them for a job step. "
            f"Received: no {', '.join(missing)}. Start the program with srun, "
            "or use another cluster."
        )
    job, nodes, tasks, node, local_id = (
        environment[x] for x in SLURM_VARIABLES
    )
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
        task_id=sum(tasks[: int(node)]) + int(local_id),
        num_accelerators={"GPU": len(gpus)},
        rpc_layer="grpc",
    )


def expand_nodes(text: str) -> list[str]:
    """Lists node names: `n[08-10],m5` becomes `n08`, `n09`, `n10`, `m5`."""
    nodes = []
    for part in re.findall(r"(?:\[[^]]*\]|[^,[])+", text):
        pieces = re.split(r"\[([^]]*)\]", part)
        pieces[::2] = [[piece] for piece in pieces[::2]]
        pieces[1::2] = [list(_expand_range(piece)) for piece in pieces[1::2]]
        nodes += map("".join, itertools.product(*pieces))
    return nodes


def expand_tasks(text: str) -> list[int]:
    """Lists the number of tasks of each node: `2(x3),1` is `[2, 2, 2, 1]`."""
    tasks = []
    for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text):
        tasks += [int(count)] * int(times or 1)
    return tasks


def _expand_range(ranges: str) -> Iterator[str]:
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first))


def _training_jobs(strategy):
    """Lists the job names of processes that train, the chief's first."""
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
            "use another strategy."
        )
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)


def _is_complete(text):
    """Returns whether a TF_CONFIG lists the hosts and this process's task."""
    try:
        config = json.loads(text)
        task = config["task"]
        return int(task["index"]) < len(config["cluster"][task["type"]])
    except (ValueError, KeyError, TypeError):
        return False
