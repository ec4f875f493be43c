"""Sweeps of sweep.py that are ended on their way by signals."""

import os
import pathlib
import signal

from support.flash_mnist import tiny_cells
from support.programs import as_flags
from support.programs import start_program
from support.runs import killed_training

SETTINGS = {
    "study": "short",
    "epochs": 20,
    "batch_size": 16,
    "learning_rate": 0.005,
    "families": "fc1_shift,average",
    "num_units": "2",
    "workers": 1,
}
FIRST = "short/fc1_shift/units_002/seed_0"  # the one that takes longer
SECOND = "short/average/units_002/seed_0"


def start(data_dir, output_dir, **flags):
    """Starts it as a terminal does, with its cells in a group of its own."""
    folders = {"data_dir": data_dir, "output_dir": output_dir}
    values = as_flags({**SETTINGS, **flags, **folders})
    return start_program(
        "flash_mnist/sweep.py", *values, start_new_session=True
    )


def end_at(process, condition, number, group=True):
    """Sends a signal when it is time, and gives what was said until the end."""
    assert killed_training.wait_until(process, condition)
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    output, errors = process.communicate()  # to the end of all who can write
    return process.returncode, output, errors


def has_worker(process):
    """Gives a condition: a cell's process is there, maybe still importing."""

    def is_there():
        return any(b"spawn_main" in x for x in commands_of(process.pid))

    return is_there


def commands_of(parent):
    """Command lines of a process's children."""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                yield (path.parent / "cmdline").read_bytes()
        except OSError:  # It has ended meanwhile.
            continue


def has_epochs(folder, count):
    return lambda: tiny_cells.num_epochs(folder) >= count


def disturb(data_dir, output_dir):
    """Starts a sweep three times, to an untimely end each.

    Returns:
        Of each its exit status, output and errors; and the epochs that the
        first cell had done after each.
    """
    folder, said, epochs = output_dir / FIRST, [], []
    process = start(data_dir, output_dir)
    said.append(end_at(process, has_worker(process), signal.SIGINT))
    epochs.append(tiny_cells.num_epochs(folder))
    for group in (True, False):
        process = start(data_dir, output_dir)
        is_time = has_epochs(folder, epochs[-1] + 2)
        said.append(end_at(process, is_time, signal.SIGKILL, group))
        epochs.append(tiny_cells.num_epochs(folder))
    return said, epochs
