"""data/flash_mnist/prepare.py as users run it, but small."""

from data_program import DataProgram

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
# Of the weights, half written, and of a plan whose manifest is there already.
LEFT_BY_KILLS = [
    ".frame_cnn.weights.h5.4711.partial.weights.h5",
    "writing.json",
]
PROGRAM = DataProgram("flash_mnist", SMALL)
