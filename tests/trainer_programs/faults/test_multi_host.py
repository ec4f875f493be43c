"""train.py as two processes of one machine, stopped and killed on the way."""

import concurrent.futures
import contextlib
import json
import signal
import socket
import types

import keras
import numpy as np
import pytest

from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program
from support.programs import start_program
from support.runs import killed_training

pytestmark = pytest.mark.stress

CHIEF, OTHER = 0, 1
LONGEST = 300  # seconds, after which something hangs


def tf_config():
    """Each host's environment: they are told two ports that are free."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in sockets]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    tasks = [{"type": "worker", "index": index} for index in (CHIEF, OTHER)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        for task in tasks
    ]


class HostPair:
    """Starts both; to be used in a `with` block, which ends them.

    Args:
        folder: Where their standard errors go.
        flags: Flags of train.py.

    Attributes:
        printed: What the chief printed after the last signal.
    """

    def __init__(self, folder, flags):
        command = ["train.py", "--strategy=multi_host", *as_flags(flags)]
        self._errors = [folder / f"stderr-{i}" for i in (CHIEF, OTHER)]
        self._hosts = []
        self.printed = ""
        for path, added in zip(self._errors, tf_config(), strict=True):
            with open(path, "w") as errors:
                self._hosts.append(
                    start_program(*command, env=added, stderr=errors)
                )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for host in self._hosts:
            host.kill()
            host.wait()
            host.stdout.close()

    def send_at(self, text, host, number):
        """Sends a signal to a host when the chief prints this text."""
        if not any(text in line for line in self._hosts[CHIEF].stdout):
            raise AssertionError(f"no {text!r}: {self._errors[0].read_text()}")
        self._hosts[host].send_signal(number)

    def end(self):
        """Waits for the ends; returns both statuses and standard errors."""
        self.printed, _ = self._hosts[CHIEF].communicate(timeout=LONGEST)
        self._hosts[OTHER].communicate(timeout=LONGEST)
        return types.SimpleNamespace(
            status=[host.returncode for host in self._hosts],
            error=[path.read_text() for path in self._errors],
        )


# The validation split's 23 clips make 5 batches of 5: one host has 3, the
# other 2, and the last one is not full.
SETTINGS = {
    "num_units": 3,
    "dropout": 0,
    "optimizer": "rmsprop",
    "learning_rate": 0.01,
    "clip_norm": 1,
    "train_frames": 3,
    "batch_size": 10,
    "epochs": 6,
    "best_metric": "last",
}


def finished(output_dir, printed=""):
    """Reads the results of a finished run."""
    rows = killed_training.epochs_of(output_dir)
    model = keras.models.load_model(output_dir / "model.keras")
    return types.SimpleNamespace(
        output_dir=output_dir,
        printed=printed,
        figures={
            name: np.array([float(row[name]) for row in rows])
            for name in rows[0]
        },
        weights=np.concatenate([x.ravel() for x in model.get_weights()]),
    )


def one_process(data_dir, folder):
    flags = {**SETTINGS, "data_dir": data_dir, "output_dir": folder / "run"}
    folder.mkdir()
    result = run_program("train.py", *as_flags(flags), cwd=folder)
    return finished(folder / "run", output_of(result))


def interrupted_hosts(data_dir, folder):
    """Two hosts that are stopped three times and started again.

    `stops` has, for each stop by its name, both exit statuses and what the
    hosts wrote to their standard errors. Until the last start there is a
    checkpoint after each step.
    """
    flags = {**SETTINGS, "data_dir": data_dir, "output_dir": folder / "run"}
    often = {**flags, "checkpoint_minutes": 0}
    plan = {
        "terminated": ("Epoch 1/", OTHER, signal.SIGTERM),
        "without its chief": ("Epoch 2/", CHIEF, signal.SIGKILL),
        "without the other": ("Epoch 4/", OTHER, signal.SIGKILL),
    }
    folder.mkdir()
    stops = {}
    for name, moment in plan.items():
        with HostPair(folder, often) as pair:
            pair.send_at(*moment)
            stops[name] = pair.end()
    with HostPair(folder, flags) as pair:
        ends = pair.end()
        assert ends.status == [0, 0], ends.error
        run = finished(folder / "run", pair.printed)
    run.stops = stops
    return run


MULTI_LABEL_FIGURES = {"val_hit_at_1", "val_perr", "val_gap", "val_map"}


@pytest.fixture(scope="module")
def runs(multi_label_dir, tmp_path_factory):
    """A run of two hosts that are stopped, and one of a single process.

    With several labels a clip, as those metrics need more of a strategy.
    """
    folder = tmp_path_factory.mktemp("hosts")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(
            pool.map(
                lambda run: run(multi_label_dir, folder / run.__name__),
                (interrupted_hosts, one_process),
            )
        )


@pytest.fixture(scope="module")
def interrupted(runs):
    return runs[0]


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
    error = stop.error[left]
    reason = "Expected all 2 hosts to continue. Received: the loss of a host"
    assert reason in error and "Traceback" not in error
    assert "Start the same command on every host again" in error


def test_the_same_command_goes_on_after_all_stops(interrupted):
    assert "Epoch 6/6" in interrupted.printed
    for epoch in range(1, 4):
        assert f"Epoch {epoch}/6" not in interrupted.printed


def test_stopped_hosts_have_the_weights_metrics_and_files_of_one_process(runs):
    interrupted, whole = runs
    np.testing.assert_allclose(interrupted.weights, whole.weights, 1e-5, 1e-5)
    assert MULTI_LABEL_FIGURES < set(whole.figures)
    assert whole.figures["val_gap"][-1] > whole.figures["val_gap"][0]
    assert whole.figures["loss"][-1] < 0.7 * whole.figures["loss"][0]
    assert list(interrupted.figures) == list(whole.figures)
    for name, values in whole.figures.items():
        found = interrupted.figures[name]
        np.testing.assert_allclose(found, values, 1e-5, err_msg=name)
    names = {path.name for path in interrupted.output_dir.iterdir()}
    assert names == {path.name for path in whole.output_dir.iterdir()}
