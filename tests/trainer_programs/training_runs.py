"""Runs of train.py on a tiny dataset, each in a folder of its own."""

import types

from program_runs import TRAINERS
from program_runs import as_flags
from program_runs import output_of
from program_runs import run_program

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


class TrainingRuns:
    """Starts runs of train.py; a method for each, named as its fixture."""

    def __init__(self, data_dir, multi_label_dir, folder):
        self.data_dir = data_dir
        self.multi_label_dir = multi_label_dir
        self.folder = folder

    def train(self, name, *flags, data_dir=None):
        """Runs in a folder of its own and gives what came out."""
        cwd = self.folder / name
        output_dir = cwd / "runs" / name
        cwd.mkdir(exist_ok=True)
        folders = {
            "data_dir": data_dir or self.data_dir,
            "output_dir": output_dir,
        }
        result = run_program("train.py", *flags, *as_flags(folders), cwd=cwd)
        return types.SimpleNamespace(
            output_dir=output_dir, stdout=output_of(result)
        )

    def finished_run(self):
        """By the shipped flagfile, the settings above in its stead."""
        flagfile = f"--flagfile={FLAGFILE}"
        return self.train("finished", flagfile, *as_flags(SETTINGS))

    def local_flagfile_run(self):
        """The same flags, and one more, from a local file of that name."""
        values = {**shipped_settings(), **SETTINGS, "hidden_units": 11}
        path = self.folder / "local" / FLAGFILE
        path.parent.mkdir()
        path.write_text("\n".join(as_flags(values)) + "\n")
        return self.train("local", f"--flagfile={FLAGFILE}")

    def sampling_run(self):
        """Two modalities of three, a few frames, streamed, fc2, no shift.

        At a learning rate of 0, so that what the saved model says of the
        training batches is what it said in training.
        """
        values = {
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
        return self.train("sampling", *as_flags(values))

    def two_device_run(self):
        """Every batch split over two devices, dropout off.

        The validation split does not fill a batch, and the test split leaves
        a single clip for its last one.
        """
        values = {
            **SETTINGS,
            "dropout": 0,
            "batch_size": 24,
            "epochs": 4,
            "seed": 3,
            "logical_devices": 2,
        }
        return self.train("two_devices", *as_flags(values))

    def multi_label_run(self):
        """One to three labels a clip; the default flags suit them."""
        values = {**SETTINGS, "epochs": 4}
        return self.train(
            "several", *as_flags(values), data_dir=self.multi_label_dir
        )
