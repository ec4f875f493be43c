"""From serialized examples to features, one batch at a time."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Modality
from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from support.records.drawn_dataset import RGB
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_features
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize

LENGTHS = (3, 0, 5)
each_modality = pytest.mark.parametrize("name", THREE)


def parse(*examples, **kwargs):
    batch = tf.constant([serialize(example) for example in examples])
    return parsing.parse_records(batch, describe(**kwargs))


def labelled(*labels):
    return [make_example(f"c{i}", x, rgb=b"") for i, x in enumerate(labels)]


def draw_stored(name):
    """Strings of frames, and the features that they are."""
    rng, modality = np.random.default_rng(0), THREE[name]
    frames = [draw_features(rng, n, modality) for n in LENGTHS]
    features = [x.astype("float32") for x in frames]
    if modality.dtype == "uint8":
        features = [-2 + x * (4 / 255) for x in features]
    return tf.constant([x.tobytes() for x in frames]), features


def test_a_batch_is_split_into_ids_labels_and_bytes():
    first = make_example("a", [3], rgb=pack([[1, 2, 3]]))
    second = make_example("b", [0], rgb=b"")
    parsed = parse(first, second)
    assert parsed["id"].numpy().tolist() == [b"a", b"b"]
    assert parsed["rgb"].numpy().tolist() == [pack([[1, 2, 3]]), b""]
    assert parsed["labels"].numpy().tolist() == [3, 0]
    assert parsed["labels"].dtype == tf.int32


def test_only_the_modalities_described_are_read():
    example = make_example("a", [3], rgb=b"", audio=b"", depth=b"")
    assert set(parse(example)) == {"id", "labels", "rgb"}


def test_labels_of_multi_label_clips_are_ones_among_zeros():
    parsed = parse(*labelled([1, 3], [], [0]), multi_label=True)
    expected = [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert parsed["labels"].numpy().tolist() == expected
    assert parsed["labels"].dtype == tf.float32


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("label", [4, 1000, 2**40, -1])
def test_a_label_out_of_range_is_refused(label, multi_label):
    message = "labels from 0 to 3"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse(*labelled([1], [label]), multi_label=multi_label)


def test_several_labels_in_a_single_label_dataset_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels"):
        parse(*labelled([1], [1, 2]))


def test_a_record_without_a_modality_is_refused_by_its_name():
    with pytest.raises(tf.errors.InvalidArgumentError, match="flow"):
        parse(*labelled([1]), modalities={**RGB, "flow": Modality(2)})


@each_modality
def test_frames_are_counted(name):
    stored, _ = draw_stored(name)
    counts = decoding.count_frames(stored, THREE[name])
    assert counts.numpy().tolist() == list(LENGTHS)
    assert counts.dtype == tf.int32


@each_modality
def test_half_a_frame_is_refused(name):
    modality = THREE[name]
    stored = tf.constant([b"\0" * (modality.frame_bytes + 1)])
    message = f"whole number of frames of {modality.frame_bytes} bytes"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decoding.count_frames(stored, modality)


@each_modality
def test_all_frames_are_decoded_and_padded_with_zeros(name):
    stored, features = draw_stored(name)
    decoded = decoding.decode_all_frames(stored, THREE[name], 6)
    expected = np.zeros((3, 6, THREE[name].dim))
    for row, frames in zip(expected, features, strict=True):
        row[: len(frames)] = frames
    assert decoded.dtype == tf.float32
    np.testing.assert_allclose(decoded, expected, atol=1e-6)


@each_modality
def test_the_frames_at_some_positions_are_decoded(name):
    stored, features = draw_stored(name)
    positions = [[0, 2, 0], [0, 0, 0], [1, 3, 4]]
    decoded = decoding.decode_frames(
        stored, THREE[name], tf.constant(positions), tf.constant([2, 0, 3])
    )
    expected = np.zeros((3, 3, THREE[name].dim))
    expected[0, :2] = features[0][[0, 2]]
    expected[2] = features[2][[1, 3, 4]]
    np.testing.assert_allclose(decoded, expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("name", ["rgb", "audio"])
def test_floats_are_decoded_exactly(name):
    stored, features = draw_stored(name)
    decoded = decoding.decode_all_frames(stored, THREE[name], 5)
    np.testing.assert_array_equal(decoded[2], features[2])
