"""Training draws a random part of each clip's frames (section 5.3)."""

import numpy as np
import pytest

from ac_keras.pipeline import training_batches
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import frames_of
from support.records.epoch_reading import read_epochs

NUM_CLIPS = 20
LONG = 30  # frames, so that two draws of four hardly ever are the same
SHARD_SIZES = {"one file": (20,), "files": (6, 1, 8, 5)}
each_store = pytest.mark.parametrize("in_memory", [False, True])


@pytest.fixture(params=SHARD_SIZES)
def manifest(request, tmp_path):
    """20 numbered clips, in one file or in four of different sizes."""
    return write_numbered(tmp_path, SHARD_SIZES[request.param], LONG)


@pytest.fixture
def one_file(tmp_path):
    return write_numbered(tmp_path, (NUM_CLIPS,), LONG)


@each_store
def test_every_epoch_draws_other_frames_of_a_clip(manifest, in_memory):
    epochs = read_epochs(manifest, 2, 5, sample_size=4, in_memory=in_memory)
    first, second = map(frames_of, epochs)
    same = sum(first[clip] == second[clip] for clip in range(NUM_CLIPS))
    assert same < 3


@each_store
def test_every_epoch_draws_other_frames_for_a_place_in_it(manifest, in_memory):
    first, second = read_epochs(
        manifest, 2, 5, sample_size=4, in_memory=in_memory
    )
    pairs = zip(first, second, strict=True)
    assert sum(x == y for (_, x), (_, y) in pairs) < 3


@each_store
def test_another_seed_draws_other_frames_of_a_clip(manifest, in_memory):
    (first,), (second,) = (
        read_epochs(
            manifest, 1, 5, sample_size=4, seed=seed, in_memory=in_memory
        )
        for seed in (0, 1)
    )
    first, second = frames_of(first), frames_of(second)
    assert sum(first[clip] == second[clip] for clip in range(20)) < 3


@each_store
def test_clips_of_an_epoch_draw_different_frames(manifest, in_memory):
    (epoch,) = read_epochs(manifest, 1, 5, sample_size=4, in_memory=in_memory)
    assert len(set(map(tuple, frames_of(epoch).values()))) > 17


@each_store
def test_frames_drawn_are_the_clips_own_in_their_order(manifest, in_memory):
    for epoch in read_epochs(manifest, 2, sample_size=4, in_memory=in_memory):
        for frames in frames_of(epoch).values():
            assert frames == sorted(set(frames))
            assert len(frames) == 4
            assert set(frames) <= set(range(LONG))


@each_store
def test_all_frames_are_drawn_in_the_long_run(one_file, in_memory):
    epochs = read_epochs(one_file, 20, 20, sample_size=4, in_memory=in_memory)
    drawn = [frames_of(epoch)[7] for epoch in epochs]
    assert len(set(sum(drawn, []))) > LONG * 0.75


@each_store
def test_modalities_draw_their_frames_apart(tmp_path, in_memory):
    description = describe({"rgb": THREE["rgb"], "flow": THREE["rgb"]})
    clips = draw_clips(description, 6, longest=LONG)
    for clip in clips:
        numbers = np.arange(30 * 3, dtype="float32").reshape(30, 3)
        clip.frames.update(rgb=numbers, flow=numbers)
    manifest = write_dataset(tmp_path, description, train=[clips])
    batches = training_batches(
        manifest, batch_size=6, sample_size=4, in_memory=in_memory
    )
    features, _ = next(iter(batches))
    differ = np.any(features["rgb"] != features["flow"], axis=(1, 2))
    assert differ.sum() > 4


@each_store
def test_a_sample_size_of_zero_takes_all_frames(manifest, in_memory):
    (epoch,) = read_epochs(manifest, 1, sample_size=0, in_memory=in_memory)
    for frames in frames_of(epoch).values():
        assert frames == list(range(LONG))
