"""Copies of a small dataset, each with something wrong in it."""

import json
import pathlib
import shutil
import struct

import numpy as np
import tensorflow as tf

HEADER = 12


def shard_path(folder, split, index=0):
    return sorted(pathlib.Path(folder).glob(f"{split}-*.tfrecord"))[index]


def copy_of(source, folder):
    """Another copy, whose files can be changed."""
    shutil.copytree(source, folder)
    return folder


def read_records(path):
    """A file's records, by the format's own definition."""
    data, records = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        records.append(data[HEADER : HEADER + length])
        data = data[HEADER + length + 4 :]
    return records


def place_of(path, index):
    """The first byte of a record."""
    return sum(16 + len(x) for x in read_records(path)[:index])


def flip(folder, split, index):
    """Changes a bit in a record's data; gives what a message should name."""
    path = shard_path(folder, split)
    place = place_of(path, index)
    data = bytearray(path.read_bytes())
    data[place + HEADER + 20] ^= 1
    path.write_bytes(data)
    return f"{path}, byte {place}: a record whose data has a wrong checksum"


def cut(folder, split, size):
    """Keeps a file's first bytes, or all but so many of its last."""
    path = shard_path(folder, split)
    path.write_bytes(path.read_bytes()[:size])
    return path


def replace(folder, split, index, label=0, number=1.0):
    """Replaces a record by a valid one of unusable content."""
    path = shard_path(folder, split)
    records = read_records(path)
    example = tf.train.Example.FromString(records[index])
    feature = example.features.feature
    feature["labels"].int64_list.value[:] = [label]
    rgb = np.full(6, number, "<f4").tobytes()
    feature["rgb"].bytes_list.value[:] = [rgb]
    records[index] = example.SerializeToString()
    with tf.io.TFRecordWriter(str(path)) as file:
        for record in records:
            file.write(record)
    tell_sizes(folder)
    return f"{path}, byte {place_of(path, index)}: "


def edit(folder, change):
    """Changes the manifest's values."""
    path = pathlib.Path(folder) / "manifest.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def tell_sizes(folder):
    """Returns the manifest the sizes that the files have."""

    def change(values):
        for split in values["splits"].values():
            for shard in split["shards"]:
                path = pathlib.Path(folder) / shard["file"]
                shard["num_bytes"] = path.stat().st_size

    edit(folder, change)


def read_values(path):
    return json.loads(pathlib.Path(path).read_text())
