"""A reader goes on where another one was left, and reads no other clips."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Clip
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.broken_files import with_num_clips
from support.records.compared_batches import as_arrays
from support.records.compared_batches import assert_same
from support.records.compared_batches import write_uneven
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import clips_of
from support.records.epoch_reading import read_epochs

BATCH_SIZE = 4
STEPS = 5  # of 21 clips
each_store = pytest.mark.parametrize("in_memory", [False, True])


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    return write_uneven(tmp_path_factory.mktemp("uneven"))


def read(manifest, num_batches, **kwargs):
    arguments = {"batch_size": BATCH_SIZE, "seed": 5, "with_ids": True}
    batches = training_batches(manifest, **{**arguments, **kwargs})
    return as_arrays(batches.take(num_batches))


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
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (0, STEPS - 1), (1, 3)])
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


def test_a_step_at_the_end_of_an_epoch_is_the_next_ones_beginning(
    uneven, whole
):
    rest = read(uneven, STEPS, first_step=STEPS)
    assert_same(rest, whole[False, None, 0][STEPS : 2 * STEPS])


@each_store
def test_batches_of_an_epoch_differ(whole, in_memory):
    ids = [tuple(x) for _, x in whole[in_memory, None, 3]]
    assert len(set(ids)) == len(ids)


def test_epochs_after_the_first_are_not_cut_short(uneven, whole):
    """`first_step` belongs to the first epoch alone."""
    rest = read(uneven, 2 * STEPS - 2, first_step=2)
    assert_same(rest, whole[False, None, 0][2 : 2 * STEPS])


@pytest.mark.parametrize("buffer", [1, 3, 8])
def test_no_clip_comes_sooner_than_the_buffer_holds(tmp_path, buffer):
    """What is shuffled at a time bounds how far ahead files are read."""
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


def read_once(manifest, reader, batch_size):
    if reader == "evaluation":
        return list(
            evaluation_batches(manifest, "train", batch_size=batch_size)
        )
    batches = training_batches(
        manifest, batch_size=batch_size, in_memory=reader == "in memory"
    )
    steps = steps_per_epoch(manifest, "train", batch_size)
    return list(batches.take(steps))


@pytest.mark.parametrize("reader", ["evaluation", "streamed", "in memory"])
@pytest.mark.parametrize("told", [9, 11])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_another_number_of_clips_than_the_manifests_is_an_error(
    tmp_path, reader, told, batch_size
):
    manifest = write_numbered(tmp_path, (10,))
    assert read_once(manifest, reader, batch_size)
    wrong = with_num_clips(manifest, told)
    with pytest.raises(tf.errors.FailedPreconditionError, match="10|9|11"):
        read_once(wrong, reader, batch_size)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("sample_size", [0, 2])
def test_numbers_that_are_not_finite_name_their_clips(
    tmp_path, bad, sample_size, monkeypatch
):
    clips = [
        Clip(f"c{i}", (0,), {"rgb": np.full((3, 3), i, "float32")})
        for i in range(6)
    ]
    for number in (1, 4):
        clips[number].frames["rgb"][:, 2] = bad
    monkeypatch.setattr(np, "isfinite", lambda x: np.ones(np.shape(x), bool))
    manifest = write_dataset(tmp_path / "bad", describe(), train=[clips])
    monkeypatch.undo()
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        list(
            evaluation_batches(
                manifest, "train", batch_size=6, sample_size=sample_size
            )
        )
    said = str(raised.value)
    assert "Expected finite features of modality" in said and "rgb" in said
    assert "c1" in said and "c4" in said and "c2" not in said
