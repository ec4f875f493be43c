"""Records read and made with protobuf, struct and NumPy alone."""

import pathlib
import struct

import tensorflow as tf


def read_records(path):
    """The records of a TFRecord file, by the format's own definition."""
    data, records = pathlib.Path(path).read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        records.append(data[12 : 12 + length])
        data = data[12 + length + 4 :]
    return records


def write_records(path, records):
    with tf.io.TFRecordWriter(str(path)) as file:
        for record in records:
            file.write(record)


def make_example(id, labels, **stored):
    """An example of the documented layout; `stored` holds bytes."""
    example = tf.train.Example()
    feature = example.features.feature
    feature["id"].bytes_list.value.append(id.encode())
    feature["labels"].int64_list.value.extend(labels)
    for name, value in stored.items():
        feature[name].bytes_list.value.append(value)
    return example


def serialize(example):
    return example.SerializeToString(deterministic=True)


def pack(frames, code="f"):
    """Frames, one number after the other, as little-endian bytes."""
    numbers = [float(x) for row in frames for x in row]
    return struct.pack(f"<{len(numbers)}{code}", *numbers)


def folder_contents(directory):
    """All files of a folder, by their paths in it."""
    directory = pathlib.Path(directory)
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
