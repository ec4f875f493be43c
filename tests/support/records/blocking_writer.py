"""Writes a dataset and stops for ever in the middle of its second shard.

    python blocking_writer.py DIR

Says so on its standard output, then waits for its standard input.
"""

import sys

import numpy as np

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

CLIPS_PER_SHARD = 4
SPLITS = {"train": 3, "test": 1}
STOP_IN = ("train", 1)


def make_writer(directory):
    modalities = {"rgb": Modality(3), "audio": Modality(2, "float16")}
    description = Description("killed", ("a", "b"), modalities, seed=0)
    return DatasetWriter(directory, description, SPLITS)


def clips_of(split, index):
    """A shard's clips, the same in every process."""
    rng = np.random.default_rng((len(split), index))
    for i in range(CLIPS_PER_SHARD):
        frames = {
            "rgb": rng.normal(size=(5, 3)).astype("float32"),
            "audio": rng.normal(size=(2, 2)).astype("float16"),
        }
        yield Clip(f"{split}-{index}-{i}", (i % 2,), frames)


def clips_that_stop(split, index):
    for i, clip in enumerate(clips_of(split, index)):
        if (split, index) == STOP_IN and i == CLIPS_PER_SHARD // 2:
            print("in the middle", flush=True)
            sys.stdin.read()
        yield clip


if __name__ == "__main__":
    make_writer(sys.argv[1]).write(clips_that_stop)
