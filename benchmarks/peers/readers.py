"""Datasets of the reader's benchmarks, and other ways to read them."""

import dataclasses
import os
import pathlib

import numpy as np
import tensorflow as tf

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import scan_records
from ac_keras.pipeline.formats import youtube8m

REPEATS = 256  # of each file, so that a dataset does not end
VIDEO_FRAMES = 300  # of the longest videos of YouTube-8M
CLIP_FRAMES = 25
KINETICS = {
    "rgb": Modality(1536, "float16"),
    "flow": Modality(1536, "float16"),
    "audio": Modality(512, "float16"),
}
YOUTUBE8M = {
    name: youtube8m.quantised(dim) for name, dim in youtube8m.MODALITIES.items()
}


def write_videos(
    directory: pathlib.Path, num_clips: int, num_files: int
) -> Manifest:
    """Writes video records in YouTube-8M's format, and their manifest."""
    directory.mkdir()
    rng = np.random.default_rng(0)
    files = np.array_split(np.arange(num_clips), num_files)
    for index, numbers in enumerate(files):
        path = str(directory / f"train{index:04d}.tfrecord")
        with tf.io.TFRecordWriter(path) as file:
            for number in numbers:
                file.write(_video(rng, number))
    description = Description(
        "videos",
        [f"class {i}" for i in range(youtube8m.NUM_CLASSES)],
        YOUTUBE8M,
        multi_label=True,
        record_format="youtube8m",
    )
    pattern = {"train": str(directory / "train*.tfrecord")}
    return scan_records(directory, description, pattern)


def _video(rng, number):
    example = tf.train.SequenceExample()
    context = example.context.feature
    context["id"].bytes_list.value.append(b"%04d" % number)
    labels = np.unique(rng.integers(0, youtube8m.NUM_CLASSES, 3))
    context["labels"].int64_list.value.extend(labels.tolist())
    for name, dim in youtube8m.MODALITIES.items():
        entries = example.feature_lists.feature_list[name].feature
        shape = (VIDEO_FRAMES, dim)
        for frame in rng.integers(0, 256, shape, dtype=np.uint8):
            entries.add().bytes_list.value.append(frame.tobytes())
    return example.SerializeToString()


def write_clips(
    directory: str | os.PathLike,
    num_clips: int,
    num_files: int,
    modalities: dict[str, Modality],
    num_classes: int,
    num_frames: int = CLIP_FRAMES,
) -> Manifest:
    """Writes clips of random frames in the package's own format.

    A clip is the same in any number of files.
    """
    description = Description(
        "clips", [f"class {i}" for i in range(num_classes)], modalities
    )
    files = np.array_split(np.arange(num_clips), num_files)

    def clips_of(split, index):
        for number in files[index]:
            rng = np.random.default_rng(number)
            frames = {
                name: rng.random((num_frames, x.dim), np.float32)
                for name, x in modalities.items()
            }
            yield Clip(f"{number}", (number % num_classes,), frames)

    writer = DatasetWriter(directory, description, {"train": num_files})
    return writer.write(clips_of)


def repeat(source: Manifest, times: int = REPEATS) -> Manifest:
    """Returns a dataset that has every file several times."""
    split = source.split("train")
    longer = dataclasses.replace(
        split,
        shards=split.shards * times,
        class_counts=split.class_counts * times,
    )
    return dataclasses.replace(source, splits={"train": longer})


def raw_batches(
    manifest: Manifest, batch_size: int, num_parallel: int | None
) -> tf.data.Dataset:
    """Reads the records and does nothing else: the lower bound."""
    paths = [str(path) for path in manifest.paths("train")]
    records = tf.data.TFRecordDataset(paths, num_parallel_reads=num_parallel)
    return records.batch(batch_size, drop_remainder=True)


def starter_batches(
    manifest: Manifest, batch_size: int, sample_size: int
) -> tf.data.Dataset:
    """Reads videos in the usual way of YouTube-8M's starter code.

    All frames of a video are decoded, dequantized to float32 and padded to 300
    frames. Frames are then sampled from the batch with replacement.
    """
    paths = [str(path) for path in manifest.paths("train")]

    def parse(record):
        context, lists = tf.io.parse_single_sequence_example(
            record,
            {
                "id": tf.io.FixedLenFeature([], tf.string),
                "labels": tf.io.VarLenFeature(tf.int64),
            },
            {
                name: tf.io.FixedLenSequenceFeature([], tf.string)
                for name in youtube8m.MODALITIES
            },
        )
        features = []
        for name, dim in youtube8m.MODALITIES.items():
            levels = tf.io.decode_raw(lists[name], tf.uint8)
            frames = tf.cast(tf.reshape(levels, (-1, dim)), tf.float32)
            frames = frames * (4 / 255) + (4 / 512 - 2)
            num_frames = tf.minimum(tf.shape(frames)[0], VIDEO_FRAMES)
            missing = VIDEO_FRAMES - num_frames
            padded = tf.pad(frames[:num_frames], [[0, missing], [0, 0]])
            features.append(tf.ensure_shape(padded, (VIDEO_FRAMES, dim)))
        labels = tf.one_hot(context["labels"].values, youtube8m.NUM_CLASSES)
        labels = tf.reduce_max(labels, axis=0)
        return context["id"], tf.concat(features, 1), labels, num_frames

    def sample(ids, frames, labels, num_frames):
        part = tf.random.uniform((batch_size, sample_size))
        positions = part * tf.cast(num_frames, tf.float32)[:, None]
        last = num_frames[:, None] - 1
        positions = tf.minimum(tf.cast(positions, tf.int32), last)
        return ids, tf.gather(frames, positions, batch_dims=1), labels

    auto = tf.data.AUTOTUNE
    videos = tf.data.TFRecordDataset(paths, num_parallel_reads=auto)
    batches = videos.map(parse, auto).batch(batch_size, drop_remainder=True)
    return batches.map(sample, auto).prefetch(auto)
