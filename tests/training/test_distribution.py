"""Strategies, roles and addresses of hosts, and two tasks of one node."""

import json
import socket
import types

import pytest
import tensorflow as tf

from ac_keras.training import is_chief
from ac_keras.training import make_strategy
from ac_keras.training.distribution import FIRST_PORT
from ac_keras.training.distribution import PORTS_PER_JOB
from ac_keras.training.distribution import SLURM_VARIABLES
from ac_keras.training.distribution import expand_nodes
from ac_keras.training.distribution import expand_tasks
from ac_keras.training.distribution import num_hosts
from ac_keras.training.distribution import slurm_resolver
from support.programs import start_program
from support.training import slurm_task

STEP = {
    "SLURM_JOB_ID": "16016",
    "SLURM_STEP_NODELIST": "n[9-10],m1",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
    "SLURM_NODEID": "1",
    "SLURM_LOCALID": "1",
}


@pytest.mark.parametrize("name", ["one_device", "mirrored"])
def test_a_processor_is_one_device(name):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("has a GPU")
    strategy = make_strategy(name)
    assert strategy.num_replicas_in_sync == 1
    assert is_chief(strategy) and num_hosts(strategy) == 1


@pytest.mark.parametrize(
    "names", [("two_devices", "slurm"), ("multi_host", "kubernetes")]
)
def test_other_names_are_refused(names):
    with pytest.raises(ValueError) as raised:
        make_strategy(names[0], cluster=names[1])
    assert str(raised.value).startswith("Expected a strategy among")
    assert f"Received: {names[0]!r}, {names[1]!r}." in str(raised.value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "{}",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}',
        '{"cluster": {"worker": ["a:1"]}, "task": '
        '{"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": '
        '{"type": "chief", "index": 0}}',
    ],
)
def test_several_hosts_need_a_tf_config_that_is_complete(value, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(ValueError, match="TF_CONFIG to list the ho") as raised:
        make_strategy("multi_host")
    assert f"Received: TF_CONFIG={value!r}. Set it" in str(raised.value)


@pytest.mark.parametrize("left_out", SLURM_VARIABLES)
def test_several_hosts_outside_slurm_are_refused(left_out, monkeypatch):
    for name in SLURM_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        if name != left_out:
            monkeypatch.setenv(name, STEP[name])
    with pytest.raises(ValueError) as raised:
        make_strategy("multi_host", cluster="slurm")
    assert str(raised.value).endswith(
        f"Received: no {left_out}. Start the program with srun, or use another "
        "cluster."
    )


@pytest.mark.parametrize(
    ("expand", "text", "expected"),
    [
        (expand_nodes, "a", ["a"]),
        (expand_nodes, "a,b7", ["a", "b7"]),
        (expand_nodes, "n[1-3]", ["n1", "n2", "n3"]),
        (expand_nodes, "n[08-10,12],m5", ["n08", "n09", "n10", "n12", "m5"]),
        (
            expand_nodes,
            "r[1-2]n[1,3]-x",
            ["r1n1-x", "r1n3-x", "r2n1-x", "r2n3-x"],
        ),
        (expand_nodes, "gpu-node-4.site", ["gpu-node-4.site"]),
        (expand_tasks, "1", [1]),
        (expand_tasks, "2(x3),1", [2, 2, 2, 1]),
        (expand_tasks, "1(x2),3(x1)", [1, 1, 3]),
    ],
)
def test_slurms_lists_of_nodes_and_of_tasks_are_read(expand, text, expected):
    assert expand(text) == expected


def test_every_task_of_slurm_is_a_worker_with_the_devices_that_it_sees():
    resolver = slurm_resolver(STEP)
    port = FIRST_PORT + 16 * PORTS_PER_JOB
    nodes = [("n9", 0), ("n9", 1), ("n10", 0), ("n10", 1), ("m1", 0)]
    workers = [f"{node}:{port + place}" for node, place in nodes]
    assert resolver.cluster_spec().as_dict() == {"worker": workers}
    assert (resolver.task_type, resolver.task_id) == ("worker", 3)
    assert resolver.rpc_layer == "grpc"
    gpus = tf.config.list_physical_devices("GPU")
    assert resolver.num_accelerators() == {"GPU": len(gpus)}


def strategy_of(jobs, task_type, task_id):
    """The part of a strategy that the functions read."""
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(jobs), task_type=task_type, task_id=task_id
    )
    return types.SimpleNamespace(cluster_resolver=resolver)


@pytest.mark.parametrize(
    ("jobs", "chief"),
    [
        ({"worker": ["a:1", "b:1", "c:1"]}, ("worker", 0)),
        ({"worker": ["a:1", "b:1"], "chief": ["c:1"]}, ("chief", 0)),
    ],
)
def test_one_host_of_three_is_the_chief(jobs, chief):
    tasks = [(job, i) for job, hosts in jobs.items() for i in range(len(hosts))]
    strategies = {task: strategy_of(jobs, *task) for task in tasks}
    assert [x for x in tasks if is_chief(strategies[x])] == [chief]
    assert all(num_hosts(x) == 3 for x in strategies.values())


def addresses(job, node="0", place="0"):
    """The addresses that a task of Slurm finds."""
    task = {"SLURM_JOB_ID": str(job), "SLURM_NODEID": node}
    resolver = slurm_resolver({**STEP, **task, "SLURM_LOCALID": place})
    return resolver.cluster_spec().job_tasks("worker")


def test_tasks_of_a_job_share_addresses_that_no_other_job_has():
    tasks = [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1"), ("2", "0")]
    found = [addresses(7, *task) for task in tasks]
    assert len(set(found[0])) == len(tasks)
    assert all(x == found[0] for x in found)
    found = [x for job in range(4711, 4715) for x in addresses(job)]
    assert len(set(found)) == 4 * 5


@pytest.mark.parametrize("job", [1, 999, 10**6 + 999, 2**31])
def test_ports_are_free_to_take_and_not_given_out_by_the_system(job):
    ports = [int(address.split(":")[1]) for address in addresses(job)]
    assert 1024 < min(ports) and max(ports) < 32768


def variables(job, place):
    return {
        "SLURM_JOB_ID": str(job),
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURM_NODEID": "0",
        "SLURM_LOCALID": str(place),
    }


def is_free(address):
    host, port = address.split(":")
    try:
        socket.create_server((host, int(port))).close()
    except OSError:
        return False
    return True


def free_job():
    """A job whose ports nobody listens to."""
    for job in range(500):
        spec = slurm_resolver(variables(job, 0)).cluster_spec()
        if all(map(is_free, spec.job_tasks("worker"))):
            return job
    raise AssertionError("no free ports")


@pytest.mark.programs
def test_tasks_of_slurm_sum_over_both():
    job = free_job()
    program = slurm_task.__file__
    tasks = [start_program(program, env=variables(job, i)) for i in range(2)]
    try:
        printed = [task.communicate(timeout=300) for task in tasks]
    finally:
        for task in tasks:
            task.kill()
    assert [task.returncode for task in tasks] == [0, 0], printed
    found = [json.loads(out.splitlines()[-1]) for out, _ in printed]
    # Its number, whether it is the chief, the hosts, and 10^0 + 10^1.
    assert found == [[0, True, 2, 11.0], [1, False, 2, 11.0]]
