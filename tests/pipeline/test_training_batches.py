"""What training batches hold: the clips that were written."""

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
