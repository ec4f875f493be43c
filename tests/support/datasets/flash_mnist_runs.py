"""Small runs of data/flash_mnist/prepare.py, the complete one made once.

It is for reading alone.
"""

from support.artefacts import artefact
from support.datasets.data_program import run_prepare_well

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


def run_small(directory, *arguments, runner=run_prepare_well, **options):
    options = {"output_dir": directory, **SMALL, **options}
    return runner("flash_mnist", *arguments, **options)


def complete_run(tmp_path_factory):
    """The folder of a run that nobody disturbed, beside what it said."""

    def make(folder):
        (folder / "said").write_text(run_small(folder / "complete"))

    return artefact(tmp_path_factory, "flash_mnist_run", make) / "complete"
