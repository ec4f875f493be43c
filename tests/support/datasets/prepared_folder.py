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


def read_clips(directory, split, dims, dtype="float16"):
    """Dicts of id, labels and each modality's frames, by protobuf alone."""
    paths = sorted(map(str, pathlib.Path(directory).glob(f"{split}-*")))
    clips = []
    for record in tf.data.TFRecordDataset(paths).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        clip = {
            name: np.frombuffer(
                feature[name].bytes_list.value[0], dtype
            ).reshape(-1, dim)
            for name, dim in dims.items()
        }
        clip["id"] = feature["id"].bytes_list.value[0].decode()
        clip["labels"] = list(feature["labels"].int64_list.value)
        clips.append(clip)
    return clips


def read_split(directory, split, dtype="float32"):
    """Ids, labels `(clips,)` and features `(clips, 25, 50)` of a split."""
    clips = read_clips(directory, split, {"rgb": 50}, dtype)
    labels = np.array([clip["labels"][0] for clip in clips])
    features = np.array([clip["rgb"] for clip in clips])
    return [clip["id"] for clip in clips], labels, features


def images_under(frames, images):
    """Indices of the images that lie, whole, on one of the frames."""
    frames = frames.reshape(len(frames), -1)
    under = [(frames >= image.ravel()).all(axis=1).any() for image in images]
    return np.flatnonzero(under)
