"""Which host writes, how many there are, and which ports they take."""

import types

import pytest
import tensorflow as tf

from ac_keras.training import is_chief
from ac_keras.training.distribution import num_hosts
from ac_keras.training.distribution import slurm_resolver

TASKS = [("0", "0"), ("1", "0"), ("2", "0"), ("2", "1")]  # node and place


def strategy_of(jobs, task_type, task_id):
    """What the functions ask of a strategy."""
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(jobs), task_type=task_type, task_id=task_id
    )
    return types.SimpleNamespace(cluster_resolver=resolver)


def slurm_task(job, node, place):
    variables = {
        "SLURM_JOB_ID": str(job),
        "SLURM_STEP_NODELIST": "n[9-10],gpu",
        "SLURM_STEP_TASKS_PER_NODE": "1(x2),2",
        "SLURM_NODEID": node,
        "SLURM_LOCALID": place,
    }
    return slurm_resolver(variables)


@pytest.mark.parametrize(
    ("jobs", "chief", "others"),
    [
        (
            {"worker": ["a:1", "b:1", "c:1"]},
            ("worker", 0),
            [("worker", 1), ("worker", 2)],
        ),
        (
            {"worker": ["a:1", "b:1"], "chief": ["c:1"]},
            ("chief", 0),
            [("worker", 0), ("worker", 1)],
        ),
    ],
)
def test_one_host_of_three_is_the_chief(jobs, chief, others):
    assert is_chief(strategy_of(jobs, *chief))
    assert not any(is_chief(strategy_of(jobs, *other)) for other in others)
    assert num_hosts(strategy_of(jobs, *chief)) == 3


def test_every_task_of_slurm_sees_the_same_addresses():
    specs = [slurm_task(7, *task).cluster_spec().as_dict() for task in TASKS]
    assert len(set(specs[0]["worker"])) == len(TASKS)
    assert all(spec == specs[0] for spec in specs)


def test_jobs_of_slurm_that_share_a_node_use_other_ports():
    addresses = [
        address
        for job in range(4711, 4715)
        for address in slurm_task(job, "0", "0")
        .cluster_spec()
        .job_tasks("worker")
    ]
    assert len(set(addresses)) == 4 * len(TASKS)


@pytest.mark.parametrize("job", [1, 999, 10**6 + 999, 2**31])
def test_ports_are_free_to_take_and_not_given_out_by_the_system(job):
    addresses = slurm_task(job, "0", "0").cluster_spec().job_tasks("worker")
    ports = [int(address.split(":")[1]) for address in addresses]
    assert 1024 < min(ports) and max(ports) < 32768
