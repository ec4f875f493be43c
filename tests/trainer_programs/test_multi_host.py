"""train.py as two processes of one machine, stopped and killed on the way."""

import concurrent.futures

import numpy as np
import pytest
from host_pair import CHIEF
from host_pair import OTHER
from host_runs import interrupted_hosts
from host_runs import one_process

from support.runs.tiny_dataset import write_dataset

pytestmark = pytest.mark.stress

MULTI_LABEL_FIGURES = {"val_hit_at_1", "val_perr", "val_gap", "val_map"}
GO_ON = "Start the same command on every host again"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Futures of a run of one process and of the stopped one of two hosts.

    With several labels a clip, as those figures need more of a strategy.
    """
    folder = tmp_path_factory.mktemp("hosts")
    data_dir = folder / "several"
    write_dataset(data_dir, multi_label=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {
            run: pool.submit(run, data_dir, folder / run.__name__)
            for run in (interrupted_hosts, one_process)
        }


@pytest.fixture(scope="module")
def whole(runs):
    return runs[one_process].result()


@pytest.fixture(scope="module")
def interrupted(runs):
    return runs[interrupted_hosts].result()


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
    assert "Expected all 2 hosts to continue. Received: the loss of a host" in said
    assert GO_ON in said and "Traceback" not in said


def test_the_same_command_goes_on_after_all_stops(interrupted):
    assert "Epoch 6/6" in interrupted.printed
    for epoch in range(1, 4):
        assert f"Epoch {epoch}/6" not in interrupted.printed


def test_stopped_hosts_train_the_weights_of_one_process(interrupted, whole):
    np.testing.assert_allclose(interrupted.weights, whole.weights, 1e-5, 1e-5)


def test_stopped_hosts_have_the_figures_of_one_process(interrupted, whole):
    """Of all epochs: training's loss and metrics, and validation's."""
    assert MULTI_LABEL_FIGURES < set(whole.figures)
    assert whole.figures["val_gap"][-1] > whole.figures["val_gap"][0]
    assert whole.figures["loss"][-1] < 0.7 * whole.figures["loss"][0]
    assert list(interrupted.figures) == list(whole.figures)
    for name, values in whole.figures.items():
        found = interrupted.figures[name]
        np.testing.assert_allclose(found, values, 1e-5, err_msg=name)


def test_only_the_chief_leaves_files(interrupted, whole):
    names = {path.name for path in interrupted.output_dir.iterdir()}
    assert names == {path.name for path in whole.output_dir.iterdir()}
