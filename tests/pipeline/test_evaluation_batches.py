"""Evaluation reads every clip once, in order."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Clip
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import shards
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import expected_features
from support.records.drawn_dataset import numbered_clips
from support.records.drawn_dataset import write_dataset

LONGEST = 7
SINGLE = {
    "float32": {"rgb": Modality(3)},
    "float16": {"rgb": Modality(3, "float16")},
    "uint8": {"rgb": Modality(3, "uint8", (-1.0, 7.0))},
    "three": THREE,
}
each_layout = pytest.mark.parametrize("layout", SINGLE)
each_kind = pytest.mark.parametrize("multi_label", [False, True])


def write(directory, clips, description, per_shard=4):
    """A test split whose files hold some of the clips each."""
    shards = [clips[i : i + per_shard] for i in range(0, len(clips), per_shard)]
    return write_dataset(directory, description, test=shards)


def read(manifest, batch_size=3, **kwargs):
    batches = evaluation_batches(
        manifest, "test", batch_size=batch_size, **kwargs
    )
    return list(batches.as_numpy_iterator())


def middle_frames(frames, sample_size):
    """The frames in the middle of equal intervals, or all of them."""
    if not 0 < sample_size < len(frames):
        return frames
    width = len(frames) / sample_size
    return frames[[int((i + 0.5) * width) for i in range(sample_size)]]


def assert_batches_are(batches, clips, description, sample_size):
    """Compares every number of every batch, padding and labels too."""
    rest = iter(clips)
    for features, labels in batches:
        batch = list(itertools.islice(rest, len(labels)))
        np.testing.assert_array_equal(labels, labels_of(batch, description))
        for name, modality in description.modalities.items():
            counts, frames = features[f"{name}_num_frames"], features[name]
            longest = max(len(clip.frames[name]) for clip in clips)
            assert frames.shape[1] == (sample_size or longest)
            for clip, count, row in zip(batch, counts, frames, strict=True):
                written = expected_features(clip, name, modality)
                taken = middle_frames(written, sample_size)
                assert count == len(taken)
                expected = np.zeros_like(row)
                expected[:count] = taken
                np.testing.assert_allclose(row, expected, atol=1e-6)
    assert next(rest, None) is None


def labels_of(clips, description):
    """The classes, or a row of ones among zeros for each clip."""
    if not description.multi_label:
        return [clip.labels[0] for clip in clips]
    return [np.isin(range(4), clip.labels) for clip in clips]


@each_kind
@each_layout
@pytest.mark.parametrize("sample_size", [0, 3, LONGEST + 2])
def test_batches_are_the_clips_written(
    tmp_path, layout, multi_label, sample_size
):
    description = describe(SINGLE[layout], multi_label=multi_label)
    clips = draw_clips(description, 10, longest=LONGEST)
    manifest = write(tmp_path, clips, description)
    batches = read(manifest, sample_size=sample_size)
    assert_batches_are(batches, clips, description, sample_size)


@pytest.mark.parametrize("layout", ["float32", "float16"])
def test_floats_are_read_bit_for_bit(tmp_path, layout):
    description = describe(SINGLE[layout])
    clips = draw_clips(description, 4)
    ((features, _),) = read(write(tmp_path, clips, description), 4)
    for clip, row in zip(clips, features["rgb"], strict=True):
        written = clip.frames["rgb"]
        np.testing.assert_array_equal(row[: len(written)], written)
    assert np.std(features["rgb"]) > 0.1


@pytest.mark.parametrize("sample_size", [0, 2])
def test_a_modality_that_no_clip_has_is_zeros(tmp_path, sample_size):
    clips = numbered_clips(1, 3)
    manifest = write(tmp_path, clips, describe(THREE))
    ((features, _),) = read(manifest, sample_size=sample_size)
    assert features["audio"].shape == (3, max(sample_size, 1), 2)
    assert not features["audio"].any()
    assert features["audio_num_frames"].tolist() == [0, 0, 0]
    assert features["rgb"][:, :, 0].min() >= 1


@pytest.mark.parametrize("batch_size", [1, 4, 5, 10, 11])
def test_the_dataset_tells_its_number_of_batches(tmp_path, batch_size):
    manifest = write(tmp_path, numbered_clips(0, 10), describe())
    batches = evaluation_batches(manifest, "test", batch_size=batch_size)
    expected = [min(batch_size, 10 - i) for i in range(0, 10, batch_size)]
    assert [len(labels) for _, labels in batches] == expected
    assert int(batches.cardinality()) == len(expected)


def test_every_pass_gives_the_same_batches(tmp_path):
    description = describe(THREE)
    manifest = write(tmp_path, draw_clips(description, 8), description)
    batches = evaluation_batches(manifest, "test", batch_size=3, sample_size=2)
    first, second = (list(batches.as_numpy_iterator()) for _ in range(2))
    assert len(first) == 3
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)


def test_ids_come_as_a_third_part(tmp_path):
    clips = draw_clips(describe(), 7)
    batches = read(write(tmp_path, clips, describe()), with_ids=True)
    ids = np.concatenate([ids for _, _, ids in batches])
    assert [id.decode() for id in ids] == [clip.id for clip in clips]


def test_the_modalities_asked_for_are_read_and_no_others(tmp_path):
    description = describe(THREE)
    clips = draw_clips(description, 5)
    manifest = write(tmp_path, clips, description)
    batches = read(manifest, 5, modalities=["flow", "rgb"])
    assert set(batches[0][0]) == {
        *("flow", "flow_num_frames"),
        *("rgb", "rgb_num_frames"),
    }
    chosen = description.select(["flow", "rgb"])
    assert_batches_are(batches, clips, chosen, 0)


def test_shapes_are_known_before_reading(tmp_path):
    description = describe(THREE)
    manifest = write(tmp_path, draw_clips(description, 5), description)
    features, labels = evaluation_batches(
        manifest, "test", batch_size=2
    ).element_spec
    for name, modality in THREE.items():
        assert features[name].dtype == "float32"
        assert features[name].shape[-1] == modality.dim
        assert features[f"{name}_num_frames"].dtype == "int32"
    assert labels.dtype == "int32"


DIM = 4096


def write_large(directory, num_frames):
    description = describe({"rgb": Modality(DIM)})
    clips = [
        Clip(str(i), (0,), {"rgb": np.full((num_frames, DIM), 1.0 + i)})
        for i in range(6)
    ]
    return write(directory, clips, description, per_shard=3)


@pytest.mark.parametrize(
    "num_frames, expected", [(1, shards.BUFFER_BYTES), (5, 0)]
)
def test_records_of_64_kib_or_more_have_no_buffer(
    tmp_path, num_frames, expected
):
    runs = shards.shard_runs(write_large(tmp_path, num_frames), "test")
    assert runs["buffer_bytes"].numpy().tolist() == [expected] * 2


def test_records_without_a_buffer_are_read_in_order(tmp_path):
    manifest = write_large(tmp_path, 5)
    batches = evaluation_batches(manifest, "test", batch_size=4)
    frames = np.concatenate([x["rgb"] for x, _ in batches])
    np.testing.assert_array_equal(frames[:, 0, 0], [1, 2, 3, 4, 5, 6])
    assert frames.shape == (6, 5, DIM)
    np.testing.assert_array_equal(frames, frames[:, :1, :1] + 0 * frames)
