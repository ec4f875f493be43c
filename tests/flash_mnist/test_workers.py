"""Cells in several processes: failed, stopped, killed and resumed."""

import contextlib
import dataclasses
import fcntl
import multiprocessing
import os
import signal
import threading
import types

import pytest

import workers
from ac_keras import training
from cells import Cell
from support.flash_mnist import tiny_cells
from workers import LOG
from workers import run_cells

pytestmark = pytest.mark.programs

# Longer than the other tests' cells: there is time to disturb it.
PROTOCOL = dataclasses.replace(tiny_cells.PROTOCOL, epochs=20)
BAD = dataclasses.replace(PROTOCOL, learning_rate=1e39)  # infinite
CELL, OTHER_SEED = Cell("fc2_shift", 2), Cell("fc2_shift", 2, seed=1)
BAD_CELL, TAKEN = Cell("fc1", 2), Cell("fc1", 1)


def run(jobs, manifest, root, num_workers=1):
    """Runs cells.

    Returns:
        Whether all are done, how each ended, and how many ran at each end.
    """
    states, others = {}, []

    def note(cell, state):
        states[cell] = state
        others.append(len(multiprocessing.active_children()))

    done = run_cells(jobs, manifest.directory, root, num_workers, note)
    return types.SimpleNamespace(done=done, states=states, others=others)


@contextlib.contextmanager
def signal_at(number, folder, epochs, pid):
    """Sends a signal once a cell has completed a number of epochs."""
    sent, over = threading.Event(), threading.Event()

    def watch():
        while tiny_cells.num_epochs(folder) < epochs:
            if over.wait(0.002):
                return
        os.kill(pid(), number)
        sent.set()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert sent.is_set()


def worker_pid():
    (worker,) = multiprocessing.active_children()
    return worker.pid


@pytest.fixture(scope="module", autouse=True)
def looked_often():
    """So that a signal comes between two epochs of a cell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "LOOK_SECONDS", 0.01)
        yield


@pytest.fixture(scope="module")
def mixed(manifest, tmp_path_factory):
    """Two cells that can be trained, one that fails and one that is taken."""
    root = tmp_path_factory.mktemp("mixed")
    log = TAKEN.folder(root) / LOG
    log.parent.mkdir(parents=True)
    jobs = [
        (CELL, PROTOCOL),
        (BAD_CELL, BAD),
        (TAKEN, PROTOCOL),
        (OTHER_SEED, PROTOCOL),
    ]
    with open(log, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = run(jobs, manifest, root, num_workers=2)
    found.root = root
    return found


@pytest.fixture(scope="module")
def disturbed(manifest, tmp_path_factory):
    """The same cell, its process killed, its sweep stopped, then left alone."""
    root = tmp_path_factory.mktemp("disturbed")
    folder, jobs = CELL.folder(root), [(CELL, PROTOCOL), (TAKEN, PROTOCOL)]
    with signal_at(signal.SIGKILL, folder, 2, worker_pid):
        killed = run(jobs[:1], manifest, root)
    killed.epochs = tiny_cells.num_epochs(folder)
    with signal_at(signal.SIGTERM, folder, killed.epochs + 2, os.getpid):
        stopped = run(jobs, manifest, root)
    stopped.epochs = tiny_cells.num_epochs(folder)
    stopped.files = set(tiny_cells.contents(root))
    last = run(jobs[:1], manifest, root)
    return types.SimpleNamespace(
        folder=folder, killed=killed, stopped=stopped, last=last
    )


def test_cells_that_fail_or_are_taken_are_reported_and_the_others_done(mixed):
    assert mixed.states == {
        CELL: "done",
        OTHER_SEED: "done",
        BAD_CELL: "failed",
        TAKEN: "failed",
    }
    assert not mixed.done
    folder = BAD_CELL.folder(mixed.root)
    assert "NaN or infinity at step" in (folder / LOG).read_text()
    assert not (folder / "result.json").exists()
    folder = TAKEN.folder(mixed.root)
    refusal = f"no other process to train this cell. Received: {folder}"
    assert refusal in (folder / LOG).read_text()
    assert [x.name for x in folder.iterdir()] == [LOG]
    # The first two fail at once, while the first cell is still trained.
    assert mixed.others[0] == 1
    assert max(mixed.others) < 2


def test_a_cell_of_another_seed_has_other_weights_and_metrics(mixed):
    folders = [x.folder(mixed.root) for x in (CELL, OTHER_SEED)]
    first, second = map(tiny_cells.weights, folders)
    # All but the bias that starts at zero would differ untrained, too.
    assert [len(x) for x in first] == [len(x) for x in second]
    assert not any(x == y for x, y in zip(first, second, strict=True))
    curves = [tiny_cells.read_json(x, "curve.json") for x in folders]
    assert curves[0][-1]["val_loss"] != curves[1][-1]["val_loss"]


def test_a_cell_whose_process_is_killed_has_failed(disturbed):
    assert not disturbed.killed.done
    assert disturbed.killed.states == {CELL: "failed"}
    assert 2 <= disturbed.killed.epochs < PROTOCOL.epochs


def test_a_signal_stops_the_cell_which_saves_and_starts_no_other(disturbed):
    assert not disturbed.stopped.done
    assert disturbed.stopped.states == {CELL: "stopped"}
    epochs = disturbed.stopped.epochs
    assert disturbed.killed.epochs < epochs < PROTOCOL.epochs
    assert "Stopped by SIGTERM after" in (disturbed.folder / LOG).read_text()
    names = {x.split("/")[-1] for x in disturbed.stopped.files}
    assert {"checkpoint", training.BEST_WEIGHTS, "curve.json"} <= names
    assert not names & {"result.json", "model.keras"}


def test_a_cell_that_was_killed_and_stopped_ends_with_the_same_bits_and_files(
    disturbed, mixed
):
    assert disturbed.last.done and disturbed.last.states == {CELL: "done"}
    whole, folder = CELL.folder(mixed.root), disturbed.folder
    assert tiny_cells.weights(folder) == tiny_cells.weights(whole)
    found = tiny_cells.metrics(folder)
    found[0]["protocol"] = mixed.root.name
    assert found == tiny_cells.metrics(whole)
    assert len(found) == 1 + PROTOCOL.epochs
    assert set(tiny_cells.contents(folder)) == set(tiny_cells.contents(whole))
    assert (folder / LOG).read_text().count(" begins\n") == 3
    assert (whole / LOG).read_text().count(" begins\n") == 1


def test_no_cells_are_all_done_and_no_worker_is_refused(manifest, tmp_path):
    found = run([], manifest, tmp_path)
    assert found.done and not found.states
    jobs = [(CELL, PROTOCOL)]
    with pytest.raises(ValueError, match="Received: num_workers=0. Use"):
        run_cells(jobs, manifest.directory, tmp_path, 0, print)
