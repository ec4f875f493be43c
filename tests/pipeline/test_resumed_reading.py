"""Readers that resume, and readers of shards of batches."""

import dataclasses

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.broken_files import with_shards
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_features
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import clips_of
from support.records.epoch_reading import read_epochs

LENGTHS = (1, 40, 2, 0, 5, 17)  # frames, in turns; of rgb at least one


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Clips of three modalities whose lengths have little in common."""
    rng, description = np.random.default_rng(3), describe(THREE)
    clips = []
    for number in range(21):
        lengths = np.roll(LENGTHS, number)
        frames = {
            name: draw_features(rng, length or int(name == "rgb"), modality)
            for (name, modality), length in zip(
                THREE.items(), lengths[: len(THREE)].tolist(), strict=True
            )
        }
        clips.append(Clip(f"clip-{number}", (number % 4,), frames))
    shards = [clips[:7], clips[7:8], clips[8:17], clips[17:]]
    directory = tmp_path_factory.mktemp("uneven")
    return write_dataset(directory, description, train=shards)


def as_arrays(batches):
    """A list of mappings: all arrays of a batch."""
    return [
        {**features, "labels": labels, "ids": ids}
        for features, labels, ids in batches.as_numpy_iterator()
    ]


def assert_same(first, second):
    """Compares two lists of batches bit for bit."""
    for one, two in zip(first, second, strict=True):
        assert list(one) == list(two)
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)
            assert one[name].dtype == two[name].dtype


def joined(parts):
    """The parts of each batch, one below the other."""
    return [
        {name: np.concatenate([x[name] for x in arrays]) for name in arrays[0]}
        for arrays in zip(*parts, strict=True)
    ]


BATCH_SIZE = 4
STEPS = 5  # of 21 clips
each_store = pytest.mark.parametrize("in_memory", [False, True])


def read(manifest, num_batches, **kwargs):
    arguments = {"batch_size": BATCH_SIZE, "seed": 5, "with_ids": True}
    batches = training_batches(manifest, **{**arguments, **kwargs})
    arrays = as_arrays(batches.take(num_batches))
    assert len(arrays) == num_batches
    return arrays


CASES = [(None, 0), (None, 3), (("flow",), 3)]


@pytest.fixture(scope="module")
def whole(uneven):
    """Three epochs, by store and by modalities and number of frames."""
    return {
        (in_memory, *case): read(
            uneven,
            3 * STEPS,
            in_memory=in_memory,
            modalities=case[0],
            sample_size=case[1],
        )
        for in_memory in (False, True)
        for case in CASES
    }


@each_store
@pytest.mark.parametrize("case", CASES, ids=str)
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
    expected = whole[in_memory, *case]
    assert len({tuple(x["ids"]) for x in expected}) == 3 * STEPS
    assert_same(rest, expected[done:])


def places_ahead(epoch):
    """By how many places each clip of a file comes sooner than in it."""
    return [clip - place for place, clip in enumerate(clips_of(epoch))]


@pytest.mark.parametrize("buffer", [1, 3, 8])
def test_no_clip_comes_sooner_than_the_buffer_holds(tmp_path, buffer):
    """The shuffle buffer bounds how far ahead files are read."""
    manifest = write_numbered(tmp_path, (40,))
    for epoch in read_epochs(manifest, 3, 4, shuffle_buffer=buffer):
        ahead = places_ahead(epoch)
        assert max(ahead) < buffer
        assert buffer == 1 or max(ahead) > 0


def test_large_clips_get_a_smaller_buffer(tmp_path):
    """By the bytes that the manifest tells: 40 clips of 64 MiB each."""
    manifest = write_numbered(tmp_path, (40,))
    (shard,) = manifest.split("train").shards
    shard = dataclasses.replace(shard, num_bytes=40 * 64 * 2**20)
    (epoch,) = read_epochs(with_shards(manifest, [shard]), 1, 2)
    assert 0 < max(places_ahead(epoch)) < 4
    (epoch,) = read_epochs(manifest, 1, 2)
    assert max(places_ahead(epoch)) > 10


@each_store
@pytest.mark.parametrize("sample_size", [0, 3])
@pytest.mark.parametrize(
    "count, place", [(2, (0, 0)), (2, (1, 2)), (3, (0, 0)), (6, (0, 0))]
)
def test_parts_of_a_training_batch_are_the_whole_bit_for_bit(
    uneven, in_memory, sample_size, count, place
):
    kwargs = {"in_memory": in_memory, "sample_size": sample_size}
    kwargs |= {"batch_size": 6, "seed": 2}
    kwargs |= {"first_epoch": place[0], "first_step": place[1]}
    parts = [read(uneven, 7, shard=(i, count), **kwargs) for i in range(count)]
    assert {len(x["ids"]) for part in parts for x in part} == {6 // count}
    assert_same(joined(parts), read(uneven, 7, **kwargs))
    if sample_size:  # Clips of a part draw other frames than another part's.
        for one, two in zip(*parts[:2], strict=True):
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
        read(uneven, 1, batch_size=6, shard=shard)
