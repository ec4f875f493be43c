"""A prepared folder, read with protobuf and NumPy alone."""

import pathlib

import numpy as np
import tensorflow as tf

from support.records.plain_records import folder_contents


def differing_files(first, second):
    """Names of files that one folder lacks or has otherwise."""
    first, second = folder_contents(first), folder_contents(second)
    return sorted(
        name
        for name in first.keys() | second.keys()
        if first.get(name) != second.get(name)
    )


def read_split(directory, split, dtype="float32"):
    """Ids, labels `(clips,)` and features `(clips, 25, 50)` of a split."""
    paths = sorted(map(str, pathlib.Path(directory).glob(f"{split}-*")))
    ids, labels, features = [], [], []
    for record in tf.data.TFRecordDataset(paths).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        ids.append(feature["id"].bytes_list.value[0].decode())
        labels.append(list(feature["labels"].int64_list.value))
        stored = np.frombuffer(feature["rgb"].bytes_list.value[0], dtype)
        features.append(stored.reshape(-1, 50))
    return ids, np.array(labels)[:, 0], np.array(features)


def images_under(frames, images):
    """Indices of the images that lie, whole, on one of the frames."""
    frames = frames.reshape(len(frames), -1)
    under = [(frames >= image.ravel()).all(axis=1).any() for image in images]
    return np.flatnonzero(under)
