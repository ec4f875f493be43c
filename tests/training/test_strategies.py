"""Which devices and hosts a strategy has, as far as one process can tell."""

import pytest
import tensorflow as tf

from ac_keras.training import is_chief
from ac_keras.training import make_strategy
from ac_keras.training.distribution import FIRST_PORT
from ac_keras.training.distribution import PORTS_PER_JOB
from ac_keras.training.distribution import VARIABLES
from ac_keras.training.distribution import expand_nodes
from ac_keras.training.distribution import expand_tasks
from ac_keras.training.distribution import num_hosts
from ac_keras.training.distribution import slurm_resolver

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


@pytest.mark.parametrize("left_out", VARIABLES)
def test_several_hosts_outside_slurm_are_refused(left_out, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        if name != left_out:
            monkeypatch.setenv(name, STEP[name])
    with pytest.raises(ValueError) as raised:
        make_strategy("multi_host", cluster="slurm")
    assert str(raised.value).endswith(
        f"Received: no {left_out}. Start the program by srun, or use another "
        "cluster."
    )


def test_every_task_of_slurm_is_a_worker_in_the_order_of_the_nodes():
    resolver = slurm_resolver(STEP)
    port = FIRST_PORT + 16 * PORTS_PER_JOB
    assert resolver.cluster_spec().as_dict() == {
        "worker": [
            f"n9:{port}",
            f"n9:{port + 1}",
            f"n10:{port}",
            f"n10:{port + 1}",
            f"m1:{port}",
        ]
    }
    assert (resolver.task_type, resolver.task_id) == ("worker", 3)
    assert resolver.rpc_layer == "grpc"


def test_a_task_of_slurm_has_the_devices_that_it_sees():
    found = slurm_resolver(STEP).num_accelerators()
    assert found == {"GPU": len(tf.config.list_physical_devices("GPU"))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["a"]),
        ("a,b7", ["a", "b7"]),
        ("n[1-3]", ["n1", "n2", "n3"]),
        ("n[08-10,12],m5", ["n08", "n09", "n10", "n12", "m5"]),
        ("r[1-2]n[1,3]-x", ["r1n1-x", "r1n3-x", "r2n1-x", "r2n3-x"]),
        ("gpu-node-4.site", ["gpu-node-4.site"]),
    ],
)
def test_slurms_lists_of_nodes_are_read(text, expected):
    assert expand_nodes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", [1]), ("2(x3),1", [2, 2, 2, 1]), ("1(x2),3(x1)", [1, 1, 3])],
)
def test_slurms_numbers_of_tasks_are_read(text, expected):
    assert expand_tasks(text) == expected
