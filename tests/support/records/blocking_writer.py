"""Writes a dataset and stops for ever in the middle of its second shard.

    python blocking_writer.py DIR

Says so on its standard output, then waits for its standard input.
"""

import sys

from ac_keras.pipeline import DatasetWriter
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips

STOP_IN = ("train", 1)


def make_writer(directory):
    return DatasetWriter(directory, describe(THREE), {"train": 3, "test": 1})


def clips_of(split, index):
    """A shard's four clips, the same in every process."""
    return draw_clips(describe(THREE), 4, seed=10 * len(split) + index)


def clips_that_stop(split, index):
    for i, clip in enumerate(clips_of(split, index)):
        if (split, index) == STOP_IN and i == 2:
            print("in the middle", flush=True)
            sys.stdin.read()
        yield clip


if __name__ == "__main__":
    make_writer(sys.argv[1]).write(clips_that_stop)
