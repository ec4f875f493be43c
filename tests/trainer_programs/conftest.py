"""Tiny datasets, and runs of train.py on them made once in a test session.

What the fixtures return is for reading alone.
"""

import types

import pytest

from support.artefacts import artefact
from support.programs import TRAINERS
from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program
from support.programs import run_python
from support.runs.run_folder import read_flagfile
from support.runs.tiny_dataset import write_dataset
from support.runs.tiny_dataset import write_previews

FLAGFILE = "flash_mnist.flags"  # a shipped one
SETTINGS = {
    "num_units": 3,
    "dropout": 0.1,
    "learning_rate": 0.05,
    "batch_size": 8,
    "epochs": 6,
}
SAMPLING = {
    "num_units": "rgb:4,audio:2",
    "weighting": "fc2",
    "hidden_units": 5,
    "shift": False,
    "dropout": 0,
    "learning_rate": 0,
    "train_frames": 2,
    "eval_frames": 3,
    "patience": 1,
}
WITHOUT_DROPOUT = {"dropout": 0, "batch_size": 24, "epochs": 4, "seed": 3}


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A dataset of three modalities that keeps images of some clips."""

    def make(folder):
        write_dataset(folder)
        write_previews(folder)

    return artefact(tmp_path_factory, "tiny_dataset", make)


@pytest.fixture(scope="session")
def multi_label_dir(tmp_path_factory):
    """A dataset of the same clips with one to three labels each."""
    return artefact(
        tmp_path_factory,
        "multi_label_dataset",
        lambda folder: write_dataset(folder, multi_label=True),
    )


@pytest.fixture(scope="session")
def make_run(tmp_path_factory):
    """Trains in a folder of its own, with a flagfile's text in it."""

    def make_run(name, data_dir, flags, flagfile="", start=run_program):
        # A flagfile comes first, so that the settings override its flags.
        flags = {**flags, **SETTINGS, **flags, "data_dir": data_dir}

        def make(folder):
            if flagfile:
                (folder / FLAGFILE).write_text(flagfile)
            values = as_flags({**flags, "output_dir": folder / "runs" / name})
            result = start(TRAINERS / "train.py", *values, cwd=folder)
            (folder / "printed").write_text(output_of(result))

        folder = artefact(tmp_path_factory, f"{name}_run", make)
        return types.SimpleNamespace(
            output_dir=folder / "runs" / name,
            stdout=(folder / "printed").read_text(),
            flags=flags,
        )

    return make_run


@pytest.fixture(scope="session")
def finished_run(make_run, data_dir):
    """By a shipped flagfile; started by the interpreter and not forked."""
    flags = {"flagfile": FLAGFILE}
    return make_run("finished", data_dir, flags, start=run_python)


@pytest.fixture(scope="session")
def local_flagfile_run(make_run, data_dir):
    """The same flags, and one more, from a local file of that name."""
    values = {**read_flagfile(FLAGFILE), **SETTINGS, "hidden_units": 11}
    text = "\n".join(as_flags(values)) + "\n"
    return make_run("local", data_dir, {"flagfile": FLAGFILE}, text)


@pytest.fixture(scope="session")
def sampling_run(make_run, data_dir):
    """Two modalities of three, a few frames, streamed, fc2, no shift.

    The learning rate is 0, so that the saved model has the probabilities that
    the training batches had.
    """
    return make_run("sampling", data_dir, SAMPLING)


@pytest.fixture(scope="session")
def one_device_run(make_run, data_dir):
    return make_run("one_device", data_dir, WITHOUT_DROPOUT)


@pytest.fixture(scope="session")
def two_device_run(make_run, data_dir):
    """Every batch split over two devices.

    The validation split does not fill a batch, and the test split leaves a
    single clip for its last one.
    """
    flags = {**WITHOUT_DROPOUT, "logical_devices": 2}
    return make_run("two_devices", data_dir, flags)


@pytest.fixture(scope="session")
def multi_label_run(make_run, multi_label_dir):
    """One to three labels a clip; the default flags suit them."""
    return make_run("several", multi_label_dir, {"epochs": 4})
