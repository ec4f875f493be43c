"""Runs of train.py on tiny datasets, each made once in a session of tests.

Every function takes the fixture `tmp_path_factory`. What it gives is for
reading alone.
"""

import types

from support.artefacts import artefact
from support.programs import TRAINERS
from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program
from support.programs import run_python
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


def shipped_settings():
    """The flags of the shipped flagfile."""
    lines = (TRAINERS / "flags" / FLAGFILE).read_text().splitlines()
    flags = (line[2:].split("=", 1) for line in lines if line[:2] == "--")
    return dict(flags)


def tiny_dataset(tmp_path_factory):
    """A dataset of three modalities that keeps images of some clips."""

    def make(folder):
        write_dataset(folder)
        write_previews(folder)

    return artefact(tmp_path_factory, "tiny_dataset", make)


def multi_label_dataset(tmp_path_factory):
    """A dataset of the same clips with one to three labels each."""
    return artefact(
        tmp_path_factory,
        "multi_label_dataset",
        lambda folder: write_dataset(folder, multi_label=True),
    )


def finished_run(tmp_path_factory):
    """By the shipped flagfile, the settings above in its stead.

    Started by the interpreter, as users do, and not forked.
    """
    flags = {"flagfile": FLAGFILE, **SETTINGS}
    return _run(tmp_path_factory, "finished", flags, start=run_python)


def local_flagfile_run(tmp_path_factory):
    """The same flags, and one more, from a local file of that name."""
    values = {**shipped_settings(), **SETTINGS, "hidden_units": 11}
    text = "\n".join(as_flags(values)) + "\n"
    return _run(tmp_path_factory, "local", {"flagfile": FLAGFILE}, text)


def sampling_run(tmp_path_factory):
    """Two modalities of three, a few frames, streamed, fc2, no shift.

    At a learning rate of 0, so that what the saved model says of the training
    batches is what it said in training.
    """
    flags = {
        **SETTINGS,
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
    return _run(tmp_path_factory, "sampling", flags)


def two_device_run(tmp_path_factory):
    """Every batch split over two devices, dropout off.

    The validation split does not fill a batch, and the test split leaves a
    single clip for its last one.
    """
    flags = {
        **SETTINGS,
        "dropout": 0,
        "batch_size": 24,
        "epochs": 4,
        "seed": 3,
        "logical_devices": 2,
    }
    return _run(tmp_path_factory, "two_devices", flags)


def multi_label_run(tmp_path_factory):
    """One to three labels a clip; the default flags suit them."""
    data_dir = multi_label_dataset(tmp_path_factory)
    flags = {**SETTINGS, "epochs": 4}
    return _run(tmp_path_factory, "several", flags, data_dir=data_dir)


def _run(
    tmp_path_factory,
    name,
    flags,
    flagfile="",
    data_dir=None,
    start=run_program,
):
    """Runs in a folder of its own, with a flagfile's text in it."""
    folders = {"data_dir": data_dir or tiny_dataset(tmp_path_factory)}

    def make(folder):
        if flagfile:
            (folder / FLAGFILE).write_text(flagfile)
        folders["output_dir"] = folder / "runs" / name
        values = as_flags({**flags, **folders})
        result = start(TRAINERS / "train.py", *values, cwd=folder)
        (folder / "printed").write_text(output_of(result))

    folder = artefact(tmp_path_factory, f"{name}_run", make)
    return types.SimpleNamespace(
        output_dir=folder / "runs" / name,
        stdout=(folder / "printed").read_text(),
    )
