"""Reading of the files of a split."""

import os

import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.manifest import Manifest

OPEN_SHARDS = 8
BUFFER_BYTES = 1 << 18
LARGE = 1 << 16  # mean bytes of records that are read without a buffer


def shard_runs(manifest: Manifest, split: str) -> dict[str, tf.Tensor]:
    """Lists the runs of valid records in a split's files.

    Returns:
        A dict of `path`, strings, and `offset`, `num_records` (-1 reads to
        the end of the file) and `buffer_bytes`, int64, all `(num_runs,)`.
    """
    runs = [
        (path, offset, num_records, _buffer_bytes(path, shard))
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


def open_run(run: dict[str, tf.Tensor]) -> tf.data.Dataset:
    """Reads the serialized records of one run, an entry of `shard_runs`."""
    # TFRecordDataset has no argument for the offset.
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
    """Reads the clips of some runs, in their order, `cycle_length` at a time.

    Returns a dataset of clips, of which `parsing.parse_records` takes batches.
    Its order depends only on the order of the runs. Another number of clips
    than `num_clips` is an error after the last clip was read.
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
    """Returns a dataset whose graph is not optimized, so that it starts sooner.

    The default optimizations change nothing in the pipeline's datasets, but
    take 50 to 100 ms at every start.
    """
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)


def _buffer_bytes(path, shard):
    """Returns the size of the read buffer; 0 reads without a copy."""
    is_local = "://" not in path  # Elsewhere every read is a request.
    is_large = shard.num_bytes >= LARGE * max(shard.num_clips, 1)
    return 0 if is_local and is_large else BUFFER_BYTES
