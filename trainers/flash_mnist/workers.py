"""Training of several cells at a time, each in a process with one thread."""

import fcntl
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable
from collections.abc import Sequence
from multiprocessing import connection

from ac_keras import training
from ac_keras.utils.processes import end_with_parent
from ac_keras.utils.processes import start_worker
from cells import Cell
from cells import Protocol

LOG = "log.txt"
STOPPED = 3  # exit status of a cell that saved a checkpoint
STATES = {0: "done", STOPPED: "stopped", -signal.SIGTERM: "stopped"}
LOOK_SECONDS = 1.0  # between checks for signals


def run_cells(
    jobs: Sequence[tuple[Cell, Protocol]],
    data_dir: pathlib.Path,
    root: pathlib.Path,
    num_workers: int,
    on_end: Callable[[Cell, str], None],
) -> bool:
    """Trains cells in the given order.

    The process of a cell computes in one thread, so its result does not depend
    on the number of cores. Its output goes to `log.txt` in the folder of the
    cell. A signal, or the end of this process, stops all cells; they resume
    where they were when they are run again. A cell that another sweep is
    training fails.

    Args:
        jobs: Cells with their protocols.
        data_dir: Folder of the dataset.
        root: Folder of the cells of the protocol.
        num_workers: Number of cells trained at a time.
        on_end: Called at the end of each cell with the cell and `"done"`,
            `"stopped"` or `"failed"`.

    Returns:
        True if all cells are done.

    Raises:
        ValueError: If `num_workers` is less than 1.
    """
    if num_workers < 1:
        raise ValueError(
            "Expected one worker or more. Received: "
            f"num_workers={num_workers}. Use the number of cores."
        )
    waiting, running, states = list(jobs), {}, []
    with training.StopSignal() as signals:
        while running or waiting:
            while waiting and len(running) < num_workers:
                cell, protocol = waiting.pop(0)
                process = start_worker(_work, cell, protocol, data_dir, root)
                running[process.sentinel] = process, cell
            for sentinel in connection.wait(list(running), LOOK_SECONDS):
                process, cell = running.pop(sentinel)
                process.join()
                states.append(STATES.get(process.exitcode, "failed"))
                on_end(cell, states[-1])
            if signals.received:
                waiting = []
                for process, _ in running.values():
                    process.terminate()  # It saves a checkpoint and ends.
    return len(states) == len(jobs) and set(states) <= {"done"}


def _open_log(folder):
    """Redirects the output of this process to the log, which it locks."""
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it ends
    except BlockingIOError:
        sys.exit(
            "Expected no other process to train this cell. Received: "
            f"{folder}, whose log is locked by one. Wait for it or end it."
        )


def _work(cell, protocol, data_dir, root):
    """Trains a cell, as the target of a process."""
    _open_log(cell.folder(root))
    # A cell ends with its sweep, before another sweep trains it.
    end_with_parent()
    import tensorflow as tf

    from train_cell import run_cell

    print(time.strftime("%Y-%m-%d %H:%M:%S"), "begins", flush=True)
    # Small models, and several at a time: the CPU gives the same bits anywhere.
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    try:
        run_cell(cell, protocol, data_dir, root)
    except training.RunStopped as error:
        print(error, flush=True)
        sys.exit(STOPPED)
