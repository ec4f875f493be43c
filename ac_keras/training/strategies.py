"""Devices and hosts that share every batch."""

import json
import os

import tensorflow as tf

from ac_keras.training.slurm_cluster import slurm_resolver

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
