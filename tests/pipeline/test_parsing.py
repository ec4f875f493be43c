"""Parsing and decoding of batches of records."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.formats import youtube8m
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


UNLABELLED_LENGTHS = (4, 1, 7)
DIM = 3


def draw_frames(seed=0):
    draw = np.random.default_rng(seed)
    return [
        draw.normal(size=(n, DIM)).astype(np.float32)
        for n in UNLABELLED_LENGTHS
    ]


def bytes_feature(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def own_record(frames, **features):
    features = {"rgb": bytes_feature(frames.tobytes()), **features}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString()


def describe_unlabelled(record_format="clip", modality=None):
    modalities = {"rgb": modality or Modality(DIM)}
    return Description("d", ("a", "b"), modalities, record_format=record_format)


def decode(batch, description, sample_size=0, named=True):
    stored = parsing.parse_records(
        tf.constant(batch), description, labelled=False, named=named
    )
    features, labels = batch_decoder(description, None, sample_size)(
        stored, None
    )
    assert labels is None
    return stored, features


def test_neither_id_nor_labels_are_needed():
    clips = draw_frames()
    stored, features = decode(
        [own_record(x) for x in clips], describe_unlabelled()
    )
    assert stored["id"].numpy().tolist() == [b"", b"", b""]
    assert "labels" not in stored
    assert features["rgb_num_frames"].numpy().tolist() == list(
        UNLABELLED_LENGTHS
    )
    for row, frames in zip(features["rgb"].numpy(), clips, strict=True):
        np.testing.assert_array_equal(row[: len(frames)], frames)
        assert not row[len(frames) :].any()


def test_labels_that_are_there_are_not_looked_at():
    record = own_record(
        draw_frames()[0], id=bytes_feature(b"x"), labels=bytes_feature(b"cat")
    )
    stored, _ = decode([record], describe_unlabelled())
    assert stored["id"].numpy().tolist() == [b"x"]


def test_ids_that_are_not_read_may_be_anything():
    number = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    batch = [own_record(x, id=number) for x in draw_frames()]
    stored, _ = decode(batch, describe_unlabelled(), named=False)
    assert stored["id"].numpy().tolist() == [b"0", b"1", b"2"]


def test_ids_of_videos_that_are_not_read_may_be_anything():
    frames = np.zeros((2, DIM), np.uint8)
    record = sequence_record(frames, id=bytes_feature(b"v", b"w"))
    description = describe_unlabelled("youtube8m", youtube8m.quantised(DIM))
    stored, features = decode([record], description, named=False)
    assert stored["id"].numpy().tolist() == [b"0"]
    assert features["rgb_num_frames"].numpy().tolist() == [2]


@pytest.mark.parametrize("which", [[0], [1], [0, 1, 2]])
def test_a_batch_is_as_long_as_its_longest_clip(which):
    clips = [draw_frames()[i] for i in which]
    _, features = decode([own_record(x) for x in clips], describe_unlabelled())
    longest = max(len(x) for x in clips)
    assert features["rgb"].shape == (len(which), longest, DIM)


def test_frames_are_taken_at_equal_intervals():
    clips = draw_frames()
    _, features = decode(
        [own_record(x) for x in clips], describe_unlabelled(), 2
    )
    assert features["rgb_num_frames"].numpy().tolist() == [2, 1, 2]
    np.testing.assert_array_equal(features["rgb"][0], clips[0][[1, 3]])
    np.testing.assert_array_equal(features["rgb"][2], clips[2][[1, 5]])


def test_a_modality_without_frames_takes_one_slot():
    empty = own_record(np.zeros((0, DIM), np.float32))
    _, features = decode([empty, empty], describe_unlabelled())
    assert features["rgb"].shape == (2, 1, DIM)
    assert features["rgb_num_frames"].numpy().tolist() == [0, 0]


def test_a_missing_modality_is_an_error():
    other = Description("d", ("a",), {"audio": Modality(DIM)})
    with pytest.raises(tf.errors.InvalidArgumentError, match="audio"):
        decode([own_record(draw_frames()[0])], other)


def sequence_record(frames, **context):
    steps = tf.train.FeatureList(
        feature=[bytes_feature(x.tobytes()) for x in frames]
    )
    return tf.train.SequenceExample(
        context=tf.train.Features(feature=context),
        feature_lists=tf.train.FeatureLists(feature_list={"rgb": steps}),
    ).SerializeToString()


def test_videos_of_youtube8m_need_neither():
    frames = np.arange(15, dtype=np.uint8).reshape(5, DIM)
    description = describe_unlabelled("youtube8m", youtube8m.quantised(DIM))
    batch = [
        sequence_record(frames),
        sequence_record(frames[:2], id=bytes_feature(b"v")),
    ]
    stored, features = decode(batch, description)
    assert stored["id"].numpy().tolist() == [b"", b"v"]
    expected = frames * 4 / 255 + 4 / 512 - 2
    np.testing.assert_allclose(features["rgb"][0], expected, atol=1e-6)
    assert features["rgb_num_frames"].numpy().tolist() == [5, 2]
