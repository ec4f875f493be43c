"""Readers that resume, and readers of shards of batches."""

import dataclasses

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_features
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import clips_of
from support.records.epoch_reading import read_epochs

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
    assert len(first) == len(second)
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


BATCH_SIZE = 4
STEPS = 5  # of 21 clips
each_store = pytest.mark.parametrize("in_memory", [False, True])


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    return write_uneven(tmp_path_factory.mktemp("uneven"))


def read(manifest, num_batches, **kwargs):
    arguments = {"batch_size": BATCH_SIZE, "seed": 5, "with_ids": True}
    batches = training_batches(manifest, **{**arguments, **kwargs})
    arrays = as_arrays(batches.take(num_batches))
    assert len(arrays) == num_batches
    return arrays


@pytest.fixture(scope="module")
def whole(uneven):
    """Three epochs, by store and by modalities and number of frames."""
    return {
        (in_memory, *case): read(
            uneven,
            3 * STEPS,
            in_memory=in_memory,
            sample_size=case[1],
            modalities=case[0],
        )
        for in_memory in (False, True)
        for case in ((None, 0), (None, 3), (("flow",), 3))
    }


@each_store
@pytest.mark.parametrize(
    "case", [(None, 0), (None, 3), (("flow",), 3)], ids=str
)
@pytest.mark.parametrize(
    "place", [(0, 0), (0, 1), (0, STEPS - 1), (0, STEPS), (1, 3)]
)
def test_reading_goes_on_from_an_epoch_and_a_step(
    uneven, whole, in_memory, case, place
):
    epoch, step = place
    done = epoch * STEPS + step
    assert steps_per_epoch(uneven, "train", BATCH_SIZE) == STEPS
    rest = read(
        uneven,
        3 * STEPS - done,
        in_memory=in_memory,
        modalities=case[0],
        sample_size=case[1],
        first_epoch=epoch,
        first_step=step,
    )
    assert_same(rest, whole[in_memory, *case][done:])


@each_store
def test_batches_of_an_epoch_differ(whole, in_memory):
    ids = [tuple(x) for _, x in whole[in_memory, None, 3]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("buffer", [1, 3, 8])
def test_no_clip_comes_sooner_than_the_buffer_holds(tmp_path, buffer):
    """The shuffle buffer bounds how far ahead files are read."""
    manifest = write_numbered(tmp_path, (40,))
    for epoch in read_epochs(manifest, 3, 4, shuffle_buffer=buffer):
        ahead = [clip - place for place, clip in enumerate(clips_of(epoch))]
        assert max(ahead) < buffer
        assert buffer == 1 or max(ahead) > 0


def test_large_clips_get_a_smaller_buffer(tmp_path):
    """By the bytes that the manifest tells: 40 clips of 64 MiB each."""
    manifest = write_numbered(tmp_path, (40,))
    (shard,) = manifest.split("train").shards
    shard = dataclasses.replace(shard, num_bytes=40 * 64 * 2**20)
    split = dataclasses.replace(manifest.split("train"), shards=(shard,))
    large = dataclasses.replace(manifest, splits={"train": split})
    (epoch,) = read_epochs(large, 1, 2)
    ahead = [clip - place for place, clip in enumerate(clips_of(epoch))]
    assert 0 < max(ahead) < 4
    (epoch,) = read_epochs(manifest, 1, 2)
    assert max(c - p for p, c in enumerate(clips_of(epoch))) > 10


def train(manifest, shard=(0, 1), **kwargs):
    arguments = {"batch_size": 6, "seed": 2, "with_ids": True, **kwargs}
    batches = training_batches(manifest, shard=shard, **arguments)
    arrays = as_arrays(batches.take(7))
    assert len(arrays) == 7
    return arrays


@each_store
@pytest.mark.parametrize("sample_size", [0, 3])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_parts_of_a_training_batch_are_the_whole_bit_for_bit(
    uneven, in_memory, sample_size, count
):
    kwargs = {"in_memory": in_memory, "sample_size": sample_size}
    parts = [train(uneven, (index, count), **kwargs) for index in range(count)]
    assert {len(ids) for part in parts for _, ids in part} == {6 // count}
    assert_same(joined(parts), train(uneven, **kwargs))


@each_store
def test_parts_go_on_from_a_step(uneven, in_memory):
    kwargs = {"in_memory": in_memory, "sample_size": 2}
    later = {**kwargs, "first_epoch": 1, "first_step": 2}
    parts = [train(uneven, (index, 2), **later) for index in range(2)]
    assert_same(joined(parts), train(uneven, **later))


def test_clips_of_a_part_draw_other_frames_than_those_of_another(uneven):
    first, second = (
        train(uneven, (index, 2), sample_size=3) for index in (0, 1)
    )
    for (one, _), (two, _) in zip(first, second, strict=True):
        assert (one["flow"] != two["flow"]).any()


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_evaluations_batches_go_round(uneven, count):
    kwargs = {"batch_size": 4, "sample_size": 3, "with_ids": True}
    whole = as_arrays(evaluation_batches(uneven, "train", **kwargs))
    assert len(whole) == 6
    for index in range(count):
        batches = evaluation_batches(
            uneven, "train", shard=(index, count), **kwargs
        )
        part, expected = as_arrays(batches), whole[index::count]
        assert batches.cardinality() == len(expected)
        assert_same(part, expected)


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 4), (0, 0)])
def test_parts_that_are_not_equal_are_refused(uneven, shard):
    with pytest.raises(ValueError, match="Expected shard as"):
        train(uneven, shard)
