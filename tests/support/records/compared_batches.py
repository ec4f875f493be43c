"""Batches of clips of very different lengths, and how they are compared."""

import numpy as np

from ac_keras.pipeline import Clip
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_features
from support.records.drawn_dataset import write_dataset

LENGTHS = (1, 40, 2, 0, 5, 17)  # frames, in turns; of rgb at least one


def write_uneven(directory, shard_sizes=(7, 1, 9, 4), **kwargs):
    """A dataset of three modalities whose lengths have little in common."""
    description = describe(THREE, **kwargs)
    rng, shards, number = np.random.default_rng(3), [], 0
    for size in shard_sizes:
        clips = []
        for _ in range(size):
            lengths = np.roll(LENGTHS, number)[: len(THREE)]
            frames = {
                name: draw_features(
                    rng, int(max(length, name == "rgb")), modality
                )
                for (name, modality), length in zip(
                    THREE.items(), lengths, strict=True
                )
            }
            clips.append(Clip(f"clip-{number}", (number % 4,), frames))
            number += 1
        shards.append(clips)
    return write_dataset(directory, description, train=shards)


def as_arrays(batches):
    """A list of pairs: a mapping of all arrays of a batch, and its ids."""
    return [
        ({**features, "labels": labels}, ids)
        for features, labels, ids in batches.as_numpy_iterator()
    ]


def assert_same(first, second):
    """Compares two lists of batches bit for bit."""
    assert len(first) == len(second) > 0
    for (one, one_ids), (two, two_ids) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one_ids, two_ids)
        assert list(one) == list(two)
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)
            assert one[name].dtype == two[name].dtype


def joined(parts):
    """The parts of each batch, one below the other."""
    batches = []
    for pieces in zip(*parts, strict=True):
        arrays, ids = zip(*pieces, strict=True)
        batches.append(
            (
                {
                    name: np.concatenate([x[name] for x in arrays])
                    for name in arrays[0]
                },
                np.concatenate(ids),
            )
        )
    return batches
