"""Readers, and epochs of a numbered dataset as numbers of clips and frames.

    python epoch_reading.py DIR

prints what `describe_epochs` gives, as JSON.
"""

import json
import sys

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches

READERS = ("evaluation", "streamed", "in memory")


def batches_of(manifest, reader, split="train", batch_size=2, **kwargs):
    kwargs["batch_size"] = batch_size
    if reader == "evaluation":
        return evaluation_batches(manifest, split, **kwargs)
    kwargs["in_memory"] = reader == "in memory"
    return training_batches(manifest, split, **kwargs)


def read_epochs(manifest, num_epochs=2, batch_size=3, first_epoch=0, **kwargs):
    """A list of pairs of clip and its frames, for every epoch."""
    batches = training_batches(
        manifest, batch_size=batch_size, first_epoch=first_epoch, **kwargs
    )
    steps = steps_per_epoch(manifest, "train", batch_size)
    batches = list(batches.take(steps * num_epochs).as_numpy_iterator())
    return [
        [
            (int(frames[0, 0]), frames[:count, 1].astype(int).tolist())
            for features, _ in batches[epoch * steps : (epoch + 1) * steps]
            for frames, count in zip(
                features["rgb"], features["rgb_num_frames"], strict=True
            )
        ]
        for epoch in range(num_epochs)
    ]


def clips_of(epoch):
    """The clips of an epoch, in its order."""
    return [clip for clip, _ in epoch]


def describe_epochs(directory):
    """Two epochs, read from files and from memory."""
    manifest = Manifest.load(directory)
    return [
        read_epochs(manifest, sample_size=2, seed=11, in_memory=in_memory)
        for in_memory in (False, True)
    ]


if __name__ == "__main__":
    json.dump(describe_epochs(sys.argv[1]), sys.stdout)
