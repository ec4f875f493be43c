"""Compares two layouts of a record: one entry per frame, and one string.

    python benchmarks/record_layouts.py

YouTube-8M stores a clip's features as a bytes list with one entry per frame;
the package stores one string with all frames. For the shapes of three
datasets, this program reads both from the same disk in one run: the raw
records, batches of sampled frames, and batches of all frames. Values are
clips/s, the best of several passes over a file in the page cache.
"""

import collections
import os
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags

from ac_keras.pipeline import Modality
from ac_keras.pipeline import decoding
from ac_keras.pipeline import sampling
from measurement import program
from measurement.timing import time_in_turns

_PASSES = flags.DEFINE_integer(
    "passes", 5, "Number of passes; the fastest one counts."
)

BATCH_SIZE = 64
# Name: layout of a frame, frames in a clip, frames sampled, clips.
SHAPES = {
    "Flash-MNIST": (Modality(50), 25, 20, 8192),
    "Kinetics RGB": (Modality(1536, "float16"), 25, 20, 1024),
    "YouTube-8M": (Modality(1152, "uint8", (-2, 2)), 300, 20, 1024),
}


def write(path, layout, modality, num_frames, num_clips):
    """Writes clips of random bytes in a layout."""
    rng = np.random.default_rng(0)
    shape = (num_frames, modality.frame_bytes)
    with tf.io.TFRecordWriter(path) as file:
        for _ in range(num_clips):
            frames = rng.integers(0, 60, shape, dtype=np.uint8)
            values = [frames.tobytes()]
            if layout == "entries":
                values = [frame.tobytes() for frame in frames]
            example = tf.train.Example()
            feature = example.features.feature["rgb"]
            feature.bytes_list.value.extend(values)
            file.write(example.SerializeToString())


def sampled_blob(batch, modality, sample_size, seed):
    """Decodes sampled frames from one string per clip, as the package does."""
    spec = {"rgb": tf.io.FixedLenFeature([], tf.string)}
    stored = tf.io.parse_example(batch, spec)["rgb"]
    num_frames = decoding.count_frames(stored, modality)
    if not sample_size:
        slots = tf.reduce_max(num_frames)
        return decoding.decode_all_frames(stored, modality, slots)
    taken = sampling.random_subset(num_frames, sample_size, seed)
    count = sampling.num_sampled(num_frames, sample_size)
    return decoding.decode_frames(stored, modality, taken, count)


def sampled_entries(batch, modality, sample_size, seed):
    """Decodes sampled frames from one entry per frame."""
    spec = {"rgb": tf.io.RaggedFeature(tf.string)}
    stored = tf.io.parse_example(batch, spec)["rgb"]
    num_frames = tf.cast(stored.row_lengths(), tf.int32)
    if sample_size:
        taken = sampling.random_subset(num_frames, sample_size, seed)
        starts = tf.cast(stored.row_starts(), tf.int32)
        rows = tf.gather(stored.flat_values, starts[:, None] + taken)
    else:
        rows = stored.to_tensor()
    dtype = tf.as_dtype(modality.dtype)
    features = tf.cast(tf.io.decode_raw(rows, dtype), tf.float32)
    if modality.dtype == "uint8":
        features = features * modality.level + modality.value_range[0]
    return features


def rate(dataset, num_clips):
    """Returns the clips/s of the fastest pass."""
    passes = {"read": lambda: collections.deque(dataset, maxlen=0)}
    seconds = time_in_turns(passes, _PASSES.value, warm_up=0)["read"]
    return num_clips / min(seconds)


def main(report):
    ways = {"entries": sampled_entries, "blob": sampled_blob}
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        for name, (modality, num_frames, sample, clips) in SHAPES.items():
            for layout, way in ways.items():
                path = os.path.join(directory, layout)
                write(path, layout, modality, num_frames, clips)
                raw = tf.data.TFRecordDataset(path).batch(BATCH_SIZE)
                rates = [rate(raw, clips)]
                for size in (sample, 0):
                    mapped = raw.map(
                        # Bound here, because the loop continues.
                        lambda batch, way=way, m=modality, k=size: way(
                            batch, m, k, (0, 0)
                        ),
                        num_parallel_calls=2,
                    )
                    rates.append(rate(mapped.prefetch(2), clips))
                rows.append([name, layout, *(f"{x:,.0f}" for x in rates)])
    header = ["dataset", "layout", "raw read", "sampled frames", "all frames"]
    report.add_table("Clips/s of both layouts", header, rows)


if __name__ == "__main__":
    program.run(main)
