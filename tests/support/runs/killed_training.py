"""Runs of train.py that are killed on their way, and what they come to."""

import csv
import subprocess

import keras
import numpy as np

from support.programs import as_flags
from support.programs import start_program

FLAGS = {
    "num_units": 3,
    "dropout": 0.5,
    "optimizer": "rmsprop",
    "learning_rate": 0.01,
    "clip_norm": 1,
    "batch_size": 16,
    "train_frames": 3,
    "ema_momentum": 0.9,
    "mean_features": True,
    "best_metric": "last",
    "checkpoint_minutes": 0,  # after every step
}
STEPS = 6  # an epoch
TIMES = ("seconds", "clips_per_second")


def start(data_dir, output_dir, **flags):
    """Starts train.py; what it prints can be read from its pipes."""
    folders = {"data_dir": data_dir, "output_dir": output_dir}
    values = as_flags({**FLAGS, **flags, **folders})
    return start_program("train.py", *values)


def wait_until(process, condition):
    """Waits for something to be seen in the folder, or for the end.

    Returns:
        Whether it was seen.
    """
    while not condition():
        try:
            process.wait(timeout=0.0005)
        except subprocess.TimeoutExpired:
            continue
        return False
    return True


def output_of(process):
    """Waits for the end and returns what was printed, if it ended well."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors[-4000:]
    return output


def names_in(folder):
    """Paths under a folder, files of checkpoints and unfinished ones too."""
    try:
        return {str(x.relative_to(folder)) for x in folder.rglob("*")}
    except FileNotFoundError:  # One of them was renamed meanwhile.
        return set()


def holds(folder, part):
    """Returns whether there is a path under a folder with such a part."""
    return any(part in x for x in names_in(folder))


def weights_of(output_dir):
    """Returns the weights of model.keras and of best.weights.h5."""
    model = keras.models.load_model(output_dir / "model.keras")
    exported = model.get_weights()
    model.load_weights(output_dir / "best.weights.h5")
    return exported + model.get_weights()


def epochs_of(output_dir):
    """Returns the rows of epochs.csv but their times."""
    with open(output_dir / "epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: x for k, x in row.items() if k not in TIMES} for row in rows]


def same_weights(first, second):
    """Returns whether two runs' weights are the same bits, and not zeros."""
    found, expected = weights_of(first), weights_of(second)
    assert all(np.abs(x).max() > 0 for x in found)
    assert [x.dtype for x in found] == [x.dtype for x in expected]
    return [x.tobytes() for x in found] == [x.tobytes() for x in expected]


def lasting_names(output_dir):
    """Returns what a run left but TensorBoard's files of the time."""
    return {x for x in names_in(output_dir) if "events.out" not in x}
