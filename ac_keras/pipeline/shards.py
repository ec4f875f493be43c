"""Opening the files of a split."""

import os

import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.manifest import Manifest

OPEN_SHARDS = 8
BUFFER_BYTES = 1 << 18
LARGE = 1 << 16  # mean bytes of records that are read without a buffer


def shard_runs(manifest: Manifest, split: str) -> dict[str, tf.Tensor]:
    """Lists the stretches of a split's files that hold its records.

    Returns:
        `path` (strings `(num_runs,)`), `offset` and `num_records` (int64),
        where -1 reads to the file's end, and `buffer_bytes` (int64).
    """
    runs = [
        (path, offset, num_records, _buffer_bytes(str(path), shard))
        for path, shard in zip(
            manifest.paths(split), manifest.split(split).shards, strict=True
        )
        for offset, num_records in shard.runs
    ]
    paths, offsets, counts, buffers = (
        zip(*runs, strict=True) if runs else ((), (), (), ())
    )
    return {
        "path": tf.constant(paths, tf.string),
        "offset": tf.constant(offsets, tf.int64),
        "num_records": tf.constant(counts, tf.int64),
        "buffer_bytes": tf.constant(buffers, tf.int64),
    }


def _buffer_bytes(path, shard):
    """Gives what to read at a time; 0 reads each record to where it stays."""
    is_local = "://" not in path  # Elsewhere every read is a request.
    is_large = shard.num_bytes >= LARGE * max(shard.num_clips, 1)
    return 0 if is_local and is_large else BUFFER_BYTES


def open_run(run: dict[str, tf.Tensor]) -> tf.data.Dataset:
    """Reads the records of one run, serialized."""
    # TFRecordDataset itself takes no offset.
    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=run["path"][None],
        compression_type="",
        buffer_size=run.get("buffer_bytes", BUFFER_BYTES),
        byte_offsets=run["offset"][None],
    )
    read = tf.data.experimental.from_variant(
        variant, tf.TensorSpec([], tf.string)
    )
    return read.take(run["num_records"])


def read_clips(
    runs: dict[str, tf.Tensor],
    description: Description,
    num_clips: int,
    cycle_length: int = 1,
) -> tf.data.Dataset:
    """Reads the clips of some runs.

    Args:
        runs: What `shard_runs` gives, in the order to read it.
        description: The dataset.
        num_clips: How many clips there are; another number is an error once
            the last one is read.
        cycle_length: How many runs to read at a time, in turns.

    Returns:
        A dataset of what `parsing.parse_records` takes in batches. Its order
        follows from that of the runs.
    """
    runs = tf.data.Dataset.from_tensor_slices(runs)
    if cycle_length == 1:
        serialized = runs.flat_map(open_run)
    else:
        serialized = runs.interleave(
            open_run,
            cycle_length=cycle_length,
            # AUTOTUNE starts more threads than there are cores.
            num_parallel_calls=min(cycle_length, max(os.cpu_count() or 1, 2)),
            deterministic=True,
        )
    return parsing.expand_clips(serialized, description).apply(
        tf.data.experimental.assert_cardinality(num_clips)
    )


def without_rewrites(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Gives a dataset that starts sooner, as its graph stays as it is.

    The default rewrites find nothing to do in the pipeline's datasets, which
    takes them 50 to 100 ms a start.
    """
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)
