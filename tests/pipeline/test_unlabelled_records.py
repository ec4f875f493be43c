"""Records of clips that a model is to name: no labels, maybe no id."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import parsing
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.formats import youtube8m

LENGTHS = (4, 1, 7)
DIM = 3


def draw_frames(seed=0):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(n, DIM)).astype(np.float32) for n in LENGTHS]


def bytes_feature(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def own_record(frames, **features):
    features = {"rgb": bytes_feature(frames.tobytes()), **features}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString()


def describe(record_format="clip", modality=None):
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
    stored, features = decode([own_record(x) for x in clips], describe())
    assert stored["id"].numpy().tolist() == [b"", b"", b""]
    assert "labels" not in stored
    assert features["rgb_num_frames"].numpy().tolist() == list(LENGTHS)
    for row, frames in zip(features["rgb"].numpy(), clips, strict=True):
        np.testing.assert_array_equal(row[: len(frames)], frames)
        assert not row[len(frames) :].any()


def test_labels_that_are_there_are_not_looked_at():
    record = own_record(
        draw_frames()[0], id=bytes_feature(b"x"), labels=bytes_feature(b"cat")
    )
    stored, _ = decode([record], describe())
    assert stored["id"].numpy().tolist() == [b"x"]


def test_ids_that_are_not_read_may_be_anything():
    number = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    batch = [own_record(x, id=number) for x in draw_frames()]
    stored, _ = decode(batch, describe(), named=False)
    assert stored["id"].numpy().tolist() == [b"0", b"1", b"2"]


def test_ids_of_videos_that_are_not_read_may_be_anything():
    frames = np.zeros((2, DIM), np.uint8)
    record = sequence_record(frames, id=bytes_feature(b"v", b"w"))
    description = describe("youtube8m", youtube8m.quantised(DIM))
    stored, features = decode([record], description, named=False)
    assert stored["id"].numpy().tolist() == [b"0"]
    assert features["rgb_num_frames"].numpy().tolist() == [2]


@pytest.mark.parametrize("which", [[0], [1], [0, 1, 2]])
def test_a_batch_is_as_long_as_its_longest_clip(which):
    clips = [draw_frames()[i] for i in which]
    _, features = decode([own_record(x) for x in clips], describe())
    longest = max(len(x) for x in clips)
    assert features["rgb"].shape == (len(which), longest, DIM)


def test_frames_are_taken_at_equal_intervals():
    clips = draw_frames()
    _, features = decode([own_record(x) for x in clips], describe(), 2)
    assert features["rgb_num_frames"].numpy().tolist() == [2, 1, 2]
    np.testing.assert_array_equal(features["rgb"][0], clips[0][[1, 3]])
    np.testing.assert_array_equal(features["rgb"][2], clips[2][[1, 5]])


def test_a_modality_without_frames_takes_one_slot():
    empty = own_record(np.zeros((0, DIM), np.float32))
    _, features = decode([empty, empty], describe())
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
    description = describe("youtube8m", youtube8m.quantised(DIM))
    batch = [
        sequence_record(frames),
        sequence_record(frames[:2], id=bytes_feature(b"v")),
    ]
    stored, features = decode(batch, description)
    assert stored["id"].numpy().tolist() == [b"", b"v"]
    expected = frames * 4 / 255 + 4 / 512 - 2
    np.testing.assert_allclose(features["rgb"][0], expected, atol=1e-6)
    assert features["rgb_num_frames"].numpy().tolist() == [5, 2]
