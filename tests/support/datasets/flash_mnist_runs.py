"""Small runs of data/flash_mnist/prepare.py, each made once.

What the functions give is for reading alone.
"""

import dataclasses
import pathlib

from support.artefacts import artefact
from support.datasets.data_program import DataProgram

SIZES = {"train": 340, "validation": 60, "test": 100}
NUM_SHARDS = {"train": 7, "validation": 2, "test": 2}
SMALL = {
    "num_train": 400,
    "num_validation": 60,
    "num_test": 100,
    "clips_per_shard": 50,
    "backgrounds": 1,
    "num_empty": 100,
}
PROGRAM = DataProgram("flash_mnist", SMALL)


@dataclasses.dataclass
class Run:
    """A folder and what the program said when it was done."""

    directory: pathlib.Path
    said: str


def make_run(directory, **options):
    return Run(directory, PROGRAM.run_well(directory, **options))


def complete_run(tmp_path_factory):
    """A run that nobody disturbed."""

    def make(folder):
        run = make_run(folder / "complete")
        (folder / "said").write_text(run.said)

    folder = artefact(tmp_path_factory, "flash_mnist_run", make)
    return Run(folder / "complete", (folder / "said").read_text())
