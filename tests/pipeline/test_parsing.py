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


def test_a_batch_is_split_into_ids_labels_and_bytes():
    first = make_example("a", [3], rgb=pack([[1, 2, 3]]))
    second = make_example("b", [0], rgb=b"")
    parsed = parse(first, second)
    assert parsed["id"].numpy().tolist() == [b"a", b"b"]
    assert parsed["rgb"].numpy().tolist() == [pack([[1, 2, 3]]), b""]
    assert parsed["labels"].numpy().tolist() == [3, 0]
    assert parsed["labels"].dtype == tf.int32


@pytest.mark.parametrize(
    "labels, multi_label",
    [
        ([1, 2], False),
        *(
            ([label], multi_label)
            for label in (4, 1000, 2**40, -1)
            for multi_label in (False, True)
        ),
    ],
)
def test_wrong_labels_are_refused(labels, multi_label):
    examples = [make_example(f"c{x}", x, rgb=b"") for x in ([1], labels)]
    message = "labels from 0 to 3" if len(labels) == 1 else "labels"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse(*examples, multi_label=multi_label)


@pytest.mark.parametrize("modality", THREE.values(), ids=THREE)
def test_half_a_frame_is_refused(modality):
    stored = tf.constant([b"\0" * (modality.frame_bytes + 1)])
    message = f"whole number of frames of {modality.frame_bytes} bytes"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decoding.count_frames(stored, modality)


LENGTHS = (4, 1, 7)
DIM = 3
UNLABELLED = Description("d", ("a", "b"), {"rgb": Modality(DIM)})


def draw_frames():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, DIM)).astype(np.float32) for n in LENGTHS]


def own_record(frames, **context):
    feature = {
        key: external_records.make_feature(values)
        for key, values in {"rgb": [frames.tobytes()], **context}.items()
    }
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def decode(batch, description=UNLABELLED, named=True):
    """Parses and decodes records without their labels."""
    stored = parsing.parse_records(
        tf.constant(batch), description, labelled=False, named=named
    )
    features, labels = batch_decoder(description, None, 0)(stored, None)
    assert labels is None and "labels" not in stored
    return stored["id"].numpy().tolist(), features


@pytest.mark.parametrize("which", [[0], [1], [0, 1, 2]])
def test_neither_id_nor_labels_are_needed(which):
    clips = [draw_frames()[i] for i in which]
    ids, features = decode([own_record(x) for x in clips])
    assert ids == [b""] * len(clips)
    counts = [len(frames) for frames in clips]
    assert features["rgb_num_frames"].numpy().tolist() == counts
    assert features["rgb"].shape == (len(which), max(counts), DIM)
    for row, frames in zip(features["rgb"].numpy(), clips, strict=True):
        np.testing.assert_array_equal(row[: len(frames)], frames)
        assert not row[len(frames) :].any()


@pytest.mark.parametrize(
    "context, named, expected",
    [
        ({"id": [b"x"], "labels": [b"cat"]}, True, [b"x"] * 3),
        ({"id": [1]}, False, [b"0", b"1", b"2"]),
    ],
)
def test_labels_and_ids_that_are_not_read_may_be_anything(
    context, named, expected
):
    batch = [own_record(x, **context) for x in draw_frames()]
    assert decode(batch, named=named)[0] == expected


@pytest.mark.parametrize(
    "id, named, expected",
    [([b"v"], True, [b"", b"v"]), ([b"v", b"w"], False, [b"0", b"1"])],
)
def test_videos_of_youtube8m_need_neither(id, named, expected):
    frames = np.arange(15, dtype=np.uint8).reshape(5, DIM)
    description = Description(
        "d",
        ("a", "b"),
        {"rgb": youtube8m.quantised(DIM)},
        record_format="youtube8m",
    )
    batch = [
        external_records.video_record(
            np.random.default_rng(0),
            {"id": "", "labels": [], "frames": {"rgb": frames[:count]}},
            id=ids,
        )
        for count, ids in ((5, []), (2, id))
    ]
    found, features = decode(batch, description, named=named)
    assert found == expected
    values = external_records.dequantise(frames)
    np.testing.assert_allclose(features["rgb"][0], values, atol=1e-6)
    assert features["rgb_num_frames"].numpy().tolist() == [5, 2]
