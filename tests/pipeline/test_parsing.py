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
from support.records import external_records
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize


def parse(*examples, **kwargs):
    batch = tf.constant([serialize(example) for example in examples])
    return parsing.parse_records(batch, describe(**kwargs))


def labelled(*labels):
    return [make_example(f"c{i}", x, rgb=b"") for i, x in enumerate(labels)]


def test_a_batch_is_split_into_ids_labels_and_bytes():
    first = make_example("a", [3], rgb=pack([[1, 2, 3]]))
    second = make_example("b", [0], rgb=b"")
    parsed = parse(first, second)
    assert parsed["id"].numpy().tolist() == [b"a", b"b"]
    assert parsed["rgb"].numpy().tolist() == [pack([[1, 2, 3]]), b""]
    assert parsed["labels"].numpy().tolist() == [3, 0]
    assert parsed["labels"].dtype == tf.int32


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("label", [4, 1000, 2**40, -1])
def test_a_label_out_of_range_is_refused(label, multi_label):
    message = "labels from 0 to 3"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse(*labelled([1], [label]), multi_label=multi_label)


def test_several_labels_in_a_single_label_dataset_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels"):
        parse(*labelled([1], [1, 2]))


@pytest.mark.parametrize("modality", THREE.values(), ids=THREE)
def test_half_a_frame_is_refused(modality):
    stored = tf.constant([b"\0" * (modality.frame_bytes + 1)])
    message = f"whole number of frames of {modality.frame_bytes} bytes"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decoding.count_frames(stored, modality)


UNLABELLED_LENGTHS = (4, 1, 7)
DIM = 3


def draw_frames():
    draw = np.random.default_rng(0)
    return [
        draw.normal(size=(n, DIM)).astype(np.float32)
        for n in UNLABELLED_LENGTHS
    ]


def own_record(frames, **context):
    feature = {
        key: external_records.make_feature(values)
        for key, values in {"rgb": [frames.tobytes()], **context}.items()
    }
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def video_record(frames, **context):
    rng, steps = np.random.default_rng(0), [[x.tobytes()] for x in frames]
    return external_records.sequence_record(rng, context, {"rgb": steps})


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
    record = own_record(draw_frames()[0], id=[b"x"], labels=[b"cat"])
    stored, _ = decode([record], describe_unlabelled())
    assert stored["id"].numpy().tolist() == [b"x"]


def test_ids_that_are_not_read_may_be_anything():
    batch = [own_record(x, id=[1]) for x in draw_frames()]
    stored, _ = decode(batch, describe_unlabelled(), named=False)
    assert stored["id"].numpy().tolist() == [b"0", b"1", b"2"]


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


@pytest.mark.parametrize(
    "id, named, expected",
    [([b"v"], True, [b"", b"v"]), ([b"v", b"w"], False, [b"0", b"1"])],
)
def test_videos_of_youtube8m_need_neither(id, named, expected):
    frames = np.arange(15, dtype=np.uint8).reshape(5, DIM)
    description = describe_unlabelled("youtube8m", youtube8m.quantised(DIM))
    batch = [video_record(frames), video_record(frames[:2], id=id)]
    stored, features = decode(batch, description, named=named)
    assert stored["id"].numpy().tolist() == expected
    values = frames * 4 / 255 + 4 / 512 - 2
    np.testing.assert_allclose(features["rgb"][0], values, atol=1e-6)
    assert features["rgb_num_frames"].numpy().tolist() == [5, 2]
