"""One file of our own records, and what lies in it."""

import os
import pathlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from ac_keras.pipeline.clip import Clip
from ac_keras.pipeline.clip import encode_clip
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.manifest import Split
from ac_keras.utils import atomic_file


class ShardTotals:
    """Counts and sums over clips, in float64 and in the clips' order.

    Args:
        description: The dataset's.
    """

    def __init__(self, description: Description):
        self.modalities = description.modalities
        self.num_clips = 0
        self.class_counts = np.zeros(description.num_classes, np.int64)
        self.sums = {n: np.zeros(m.dim) for n, m in self.modalities.items()}
        self.num_frames = dict.fromkeys(self.modalities, 0)
        self.max_num_frames = dict.fromkeys(self.modalities, 0)
        self.num_absent = dict.fromkeys(self.modalities, 0)

    def add(self, example: tf.train.Example) -> None:
        """Counts a clip."""
        feature = example.features.feature
        self.num_clips += 1
        self.class_counts[list(feature["labels"].int64_list.value)] += 1
        for name, modality in self.modalities.items():
            frames = modality.decode(feature[name].bytes_list.value[0])
            self.sums[name] += frames.sum(axis=0, dtype=np.float64)
            self.num_frames[name] += len(frames)
            longest = max(self.max_num_frames[name], len(frames))
            self.max_num_frames[name] = longest
            self.num_absent[name] += len(frames) == 0

    def merge(self, other: "ShardTotals") -> None:
        """Adds what another shard holds."""
        self.num_clips += other.num_clips
        self.class_counts += other.class_counts
        for name in self.modalities:
            self.sums[name] += other.sums[name]
            self.num_frames[name] += other.num_frames[name]
            self.num_absent[name] += other.num_absent[name]
            self.max_num_frames[name] = max(
                self.max_num_frames[name], other.max_num_frames[name]
            )

    def split(self, shards: list[Shard]) -> Split:
        """Describes a split of these files."""
        means = {
            name: (total / max(self.num_frames[name], 1)).astype(np.float32)
            for name, total in self.sums.items()
        }
        return Split(
            tuple(shards),
            self.class_counts,
            means,
            self.max_num_frames,
            self.num_absent,
        )


def write_shard_file(
    path: str | os.PathLike, clips: Iterable[Clip], description: Description
) -> ShardTotals:
    """Writes a file of records, which appears when the last one is written.

    Args:
        path: The file.
        clips: What to write, in this order.
        description: The dataset that the clips belong to.

    Returns:
        What the file holds.

    Raises:
        ValueError: If a clip does not fit the description. No file is left
            then.
    """
    totals = ShardTotals(description)
    with atomic_file.atomic_path(path) as partial:
        with tf.io.TFRecordWriter(str(partial)) as file:
            for clip in clips:
                example = encode_clip(clip, description)
                file.write(example.SerializeToString(deterministic=True))
                totals.add(example)
    return totals


def read_totals(path: pathlib.Path, description: Description) -> ShardTotals:
    """Counts what a file holds that was written earlier."""
    totals = ShardTotals(description)
    for record in tf.data.TFRecordDataset(str(path)):
        totals.add(tf.train.Example.FromString(record.numpy()))
    return totals
