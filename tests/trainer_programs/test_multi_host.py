"""train.py as two processes of one machine, stopped and killed on the way."""

import concurrent.futures

import numpy as np
import pytest

from host_pair import CHIEF
from host_pair import OTHER
from host_runs import interrupted_hosts
from host_runs import one_process
from host_runs import two_hosts
from learnable_dataset import write_dataset

MULTI_LABEL_FIGURES = {"val_hit_at_1", "val_perr", "val_gap", "val_map"}
GO_ON = "Start the same command on every host again"


@pytest.fixture(scope="module")
def runs(data_dir, tmp_path_factory):
    """Futures of all runs, the killed ones beside the others."""
    folder = tmp_path_factory.mktemp("hosts")
    several = folder / "several"
    write_dataset(several, multi_label=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(run, data, folder / name)
            for name, run, data in (
                ("interrupted", interrupted_hosts, several),
                ("one process", one_process, data_dir),
                ("two hosts", two_hosts, data_dir),
                ("several labels", one_process, several),
            )
        }


@pytest.fixture(scope="module")
def one(runs):
    return runs["one process"].result()


@pytest.fixture(scope="module")
def two(runs):
    return runs["two hosts"].result()


@pytest.fixture(scope="module")
def whole(runs):
    """A run of one process, never stopped, with several labels a clip."""
    return runs["several labels"].result()


@pytest.fixture(scope="module")
def interrupted(runs):
    """The same by two hosts, stopped three times."""
    return runs["interrupted"].result()


def assert_same_figures(figures, expected):
    assert list(figures) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(figures[name], values, 1e-5, err_msg=name)


def test_two_hosts_have_every_epochs_figures_of_one_process(one, two):
    assert one.figures["loss"][-1] < 0.7 * one.figures["loss"][0]
    assert_same_figures(two.figures, one.figures)


def test_two_hosts_train_the_weights_of_one_process(one, two):
    np.testing.assert_allclose(two.weights, one.weights, 1e-5, 1e-5)


def test_only_the_chief_leaves_files(one, two):
    names = {path.name for path in two.output_dir.iterdir()}
    assert names == {path.name for path in one.output_dir.iterdir()}


def test_a_host_that_is_told_to_stop_stops_both(interrupted):
    stop = interrupted.stops["terminated"]
    assert stop.status == [1, 1]
    assert "Stopped by another host after step" in stop.error[CHIEF]
    assert "Stopped by SIGTERM after step" in stop.error[OTHER]


@pytest.mark.parametrize(
    ("name", "left", "killed"),
    [("without its chief", OTHER, CHIEF), ("without the other", CHIEF, OTHER)],
)
def test_the_host_that_is_left_ends_and_says_why(
    name, left, killed, interrupted
):
    stop = interrupted.stops[name]
    assert stop.status[killed] == -9
    assert stop.status[left] == 1
    said = stop.error[left]
    assert "Expected all 2 hosts to go on. Received: the loss of one" in said
    assert GO_ON in said and "Traceback" not in said


def test_the_same_command_goes_on_after_all_stops(interrupted):
    assert "Epoch 6/6" in interrupted.printed
    for epoch in range(1, 5):
        assert f"Epoch {epoch}/6" not in interrupted.printed


def test_stopped_hosts_end_with_the_weights_of_a_whole_run(interrupted, whole):
    np.testing.assert_allclose(interrupted.weights, whole.weights, 1e-5, 1e-5)


def test_stopped_hosts_end_with_the_figures_of_a_whole_run(interrupted, whole):
    assert MULTI_LABEL_FIGURES < set(whole.figures)
    assert whole.figures["val_gap"][-1] > whole.figures["val_gap"][0]
    assert_same_figures(interrupted.figures, whole.figures)
