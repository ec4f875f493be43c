"""Copies of a small dataset, each with something wrong in it."""

import json
import pathlib
import shutil

import numpy as np
import tensorflow as tf

from support.records import broken_files


def shard_path(folder, split, index=0):
    return sorted(pathlib.Path(folder).glob(f"{split}-*.tfrecord"))[index]


def copy_of(source, folder):
    return shutil.copytree(source, folder)


def place_of(path, index):
    """Returns the first byte of a record."""
    return broken_files.record_places(path)[index]


def flip(folder, split, index):
    """Changes a bit in a record's data; returns what a message should name."""
    path = shard_path(folder, split)
    place = place_of(path, index)
    broken_files.flip(path, place + broken_files.HEADER + 20)
    return f"{path}, byte {place}: a record whose data has a wrong checksum"


def cut(folder, split, size):
    """Keeps a file's first bytes, or all but so many of its last."""
    path = shard_path(folder, split)
    broken_files.cut(path, size)
    return path


def replace(folder, split, index, label=0, number=1.0):
    """Replaces a record by a valid one of unusable content."""
    path = shard_path(folder, split)
    records = broken_files.read_records(path)
    example = tf.train.Example.FromString(records[index])
    feature = example.features.feature
    feature["labels"].int64_list.value[:] = [label]
    rgb = np.full(6, number, "<f4").tobytes()
    feature["rgb"].bytes_list.value[:] = [rgb]
    broken_files.replace_record(path, index, example.SerializeToString())
    tell_sizes(folder)
    return f"{path}, byte {place_of(path, index)}: "


def edit(folder, change):
    """Changes the manifest's values."""
    path = pathlib.Path(folder) / "manifest.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def tell_sizes(folder):
    """Writes the sizes that the files have to the manifest."""

    def change(values):
        for split in values["splits"].values():
            for shard in split["shards"]:
                path = pathlib.Path(folder) / shard["file"]
                shard["num_bytes"] = path.stat().st_size

    edit(folder, change)


def read_values(path):
    return json.loads(pathlib.Path(path).read_text())
