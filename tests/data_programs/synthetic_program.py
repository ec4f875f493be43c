"""data/synthetic/prepare.py as users run it, but small, and what it writes."""

import pathlib

import numpy as np
import tensorflow as tf

from data_program import DataProgram

NUM_CLASSES = 20
DIMS = {"rgb": 96, "audio": 32}
SMALL = {
    "num_classes": NUM_CLASSES,
    "modalities": "rgb:96:25,audio:32:10-25",
    "max_clips_per_class": 100,
    "min_clips_per_class": 5,
    "num_validation": 70,
    "num_test": 70,
    "clips_per_shard": 40,
}
# 100 / rank, rounded: the power law that ends at 5 has the exponent 1.
TRAIN_COUNTS = [100, 50, 33, 25, 20, 17, 14, 12, 11, 10]
TRAIN_COUNTS += [9, 8, 8, 7, 7, 6, 6, 6, 5, 5]
SIZES = {"train": sum(TRAIN_COUNTS), "validation": 70, "test": 70}
PROGRAM = DataProgram("synthetic", SMALL)


def read_examples(directory, split, dtype="float16"):
    """Dicts of id, labels and each modality's frames, by protobuf alone."""
    paths = sorted(map(str, pathlib.Path(directory).glob(f"{split}-*")))
    clips = []
    for record in tf.data.TFRecordDataset(paths).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        clip = {
            name: np.frombuffer(
                feature[name].bytes_list.value[0], dtype
            ).reshape(-1, dim)
            for name, dim in DIMS.items()
        }
        clip["id"] = feature["id"].bytes_list.value[0].decode()
        clip["labels"] = list(feature["labels"].int64_list.value)
        clips.append(clip)
    return clips
