"""Content of training batches, and frames sampled for them (section 5.3)."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import training_batches
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import expected_features
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import frames_of
from support.records.epoch_reading import read_epochs

each_store = pytest.mark.parametrize("in_memory", [False, True])
each_kind = pytest.mark.parametrize("multi_label", [False, True])


@pytest.fixture
def one_file(tmp_path):
    return write_numbered(tmp_path, (20,))


@each_store
@each_kind
@pytest.mark.parametrize("sample_size", [0, 9])
def test_batches_are_the_clips_written(
    tmp_path, in_memory, multi_label, sample_size
):
    description = describe(THREE, multi_label=multi_label)
    clips = draw_clips(description, 6, longest=7)
    manifest = write_dataset(tmp_path, description, train=[clips])
    batches = training_batches(
        manifest, batch_size=6, sample_size=sample_size, in_memory=in_memory
    )
    features, labels = next(batches.as_numpy_iterator())
    assert_the_batch_has(clips, description, features, labels)


def assert_the_batch_has(clips, description, features, labels):
    """Every clip is some row of the batch, with all its frames and labels."""
    for clip in clips:
        expected = {
            name: expected_features(clip, name, modality)
            for name, modality in description.modalities.items()
        }
        (row,) = [
            row
            for row in range(len(labels))
            if all(is_row(features, row, *item) for item in expected.items())
        ]
        if description.multi_label:
            assert tuple(np.flatnonzero(labels[row])) == clip.labels
        else:
            assert labels[row] == clip.labels[0]


def is_row(features, row, name, expected):
    """Whether a row of the batch has these frames and then zeros."""
    count, frames = features[f"{name}_num_frames"][row], features[name][row]
    return (
        count == len(expected)
        and np.allclose(frames[:count], expected, atol=1e-6)
        and not frames[count:].any()
    )


@each_store
def test_labels_are_the_clips_classes(one_file, in_memory):
    batches = training_batches(one_file, batch_size=20, in_memory=in_memory)
    features, labels = next(batches.as_numpy_iterator())
    expected = features["rgb"][:, 0, 0].astype(int) % 4
    assert labels.tolist() == expected.tolist()
    assert labels.dtype == np.int32


@each_store
def test_an_absent_modality_is_zeros_of_no_frames(tmp_path, in_memory):
    description = describe(THREE)
    clips = draw_clips(description, 4, seed=1)
    for clip in clips:
        clip.frames["rgb"] = np.ones((6, 3), "float32")
        del clip.frames["flow"]
    manifest = write_dataset(tmp_path, description, train=[clips])
    batches = training_batches(
        manifest, batch_size=4, sample_size=2, in_memory=in_memory
    )
    features, _ = next(batches.as_numpy_iterator())
    assert features["flow_num_frames"].tolist() == [0] * 4
    assert not features["flow"].any()
    assert features["rgb"].all()


@each_store
def test_the_modalities_asked_for_are_read_and_no_others(tmp_path, in_memory):
    clips = draw_clips(describe(THREE), 4)
    manifest = write_dataset(tmp_path, describe(THREE), train=[clips])
    batches = training_batches(
        manifest, batch_size=4, modalities=["audio"], in_memory=in_memory
    )
    features, _ = next(batches.as_numpy_iterator())
    assert set(features) == {"audio", "audio_num_frames"}
    assert features["audio"].any()


@each_store
def test_shapes_are_known_before_reading(one_file, in_memory):
    batches = training_batches(one_file, batch_size=4, in_memory=in_memory)
    features, labels = batches.element_spec
    assert features["rgb"].shape[-1] == 3
    assert features["rgb"].dtype == tf.float32
    assert features["rgb_num_frames"].dtype == labels.dtype == tf.int32


NUM_CLIPS = 20
LONG = 30  # frames, so that two draws of four hardly ever are the same
SHARD_SIZES = {"one file": (20,), "files": (6, 1, 8, 5)}


@pytest.fixture(params=SHARD_SIZES)
def manifest(request, tmp_path):
    """20 numbered clips, in one file or in four of different sizes."""
    return write_numbered(tmp_path, SHARD_SIZES[request.param], LONG)


@pytest.fixture
def long_clips(tmp_path):
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
def test_all_frames_are_drawn_in_the_long_run(long_clips, in_memory):
    epochs = read_epochs(long_clips, 20, 20, sample_size=4, in_memory=in_memory)
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
