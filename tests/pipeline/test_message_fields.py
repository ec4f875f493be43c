"""Fields found in serialized messages, against protobuf's own writing."""

import pytest
import tensorflow as tf

from ac_keras.pipeline import Modality
from ac_keras.pipeline import message_fields
from ac_keras.pipeline.located_frames import entry_header

each_size = pytest.mark.parametrize(
    "size", [1, 8, 121, 127, 128, 1024, 16381, 16384, 20000, 2097152]
)


def feature_of(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


@each_size
def test_a_fields_content_is_found_whatever_its_size(size):
    message = tf.train.BytesList(value=[b"x", bytes(size)]).SerializeToString()
    field = message_fields.field_at(tf.constant([message]), tf.constant([3]))
    assert field.number.numpy().tolist() == [1]
    assert field.end.numpy().tolist() == [len(message)]
    assert field.start.numpy().tolist() == [len(message) - size]


@pytest.mark.parametrize(
    "message", [b"", b"\x08\x05", b"\x0a\xff\xff\xff\xff\x01", b"\x00\x00"]
)
def test_what_has_no_size_that_can_be_told_has_no_number(message):
    field = message_fields.field_at(tf.constant([message]), tf.constant([0]))
    assert field.number.numpy().tolist() == [0]


def test_fields_are_read_at_many_places_of_many_messages():
    messages = [b"\x0a\x01x\x12\x02yz", b"__\x12\x00\x1a\x03abc"]
    field = message_fields.field_at(
        tf.constant(messages)[:, None], tf.constant([[0, 3], [2, 4]])
    )
    assert field.number.numpy().tolist() == [[1, 2], [2, 3]]
    assert field.start.numpy().tolist() == [[2, 5], [4, 6]]
    assert field.end.numpy().tolist() == [[3, 7], [4, 9]]


def find(messages, keys):
    strings = [x.SerializeToString() for x in messages]
    sizes = tf.constant([len(x) for x in strings])
    fits, found = message_fields.map_entries(
        tf.constant(strings), tf.zeros_like(sizes), sizes, keys
    )
    return bool(fits), found, strings


def test_a_maps_values_are_found_by_their_keys():
    values = {"rgb": bytes(300), "a": b"1", "long" * 20: b"23"}
    messages = [
        tf.train.Features(feature={k: feature_of(x) for k, x in some.items()})
        for some in (values, {"rgb": b"4"}, {})
    ]
    fits, found, strings = find(messages, ["rgb", "long" * 20])
    assert fits
    cut = [
        [text[i:j] for i, j in zip(*places, strict=True)]
        for text, *places in zip(
            strings, found.start.numpy(), found.end.numpy(), strict=True
        )
    ]
    wanted = [
        [feature_of(values["rgb"]), feature_of(b"23")],
        [feature_of(b"4"), None],
        [None, None],
    ]
    assert cut == [
        [b"" if x is None else x.SerializeToString() for x in row]
        for row in wanted
    ]


def test_what_is_not_a_map_does_not_fit():
    fits, _, _ = find([tf.train.BytesList(value=[b"abc"])], ["rgb"])
    assert not fits


@each_size
def test_the_header_of_an_entry_is_what_protobuf_writes(size):
    value = bytes(size)
    entry = tf.train.FeatureList(feature=[feature_of(value)])
    header = entry_header(Modality(size, "uint8", (-2, 2)))
    assert header + value == entry.SerializeToString()
