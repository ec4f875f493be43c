"""Counts and sums over the clips of a file of records."""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from ac_keras.pipeline import shards
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.description import Modality
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.manifest import Split

Totals = dict[str, np.ndarray]
LARGEST = "max_num_frames"  # of all totals the one that is no sum
_BATCH = 32


def make_scan(description: Description) -> Callable[[str], Totals]:
    """Makes a function from a file's path to its totals.

    It is traced once, whatever the number of files, and may run in several
    threads at once.

    Args:
        description: What the records hold.

    Returns:
        A function that gives `num_clips`, `class_counts` and, under
        `NAME/MODALITY`, each modality's `sum` of its stored numbers, float64
        `(dim,)` and exact where they are bytes, `num_frames`, `num_absent`
        (clips without a frame) and `max_num_frames`; all int64 but the sum.
    """

    def batches_of(paths):
        clips = parsing.expand_clips(
            tf.data.TFRecordDataset(paths), description
        )
        return shards.without_rewrites(clips.batch(_BATCH).prefetch(1))

    @tf.function(input_signature=[batches_of([]).element_spec])
    def totals_of(batch):
        return _batch_totals(batch, description)

    specs = totals_of.get_concrete_function().structured_outputs
    none = {
        key: np.zeros(spec.shape, spec.dtype.as_numpy_dtype)
        for key, spec in specs.items()
    }
    # Batch by batch, as a function of a file would be made ready for each.
    return lambda path: merge_all(
        itertools.chain([none], map(totals_of, batches_of(path)))
    )


def merge_totals(first: Totals, second: Totals) -> Totals:
    """Gives the totals of two parts together, as tensors."""
    return {
        key: tf.maximum(first[key], second[key])
        if key.startswith(LARGEST)
        else tf.add(first[key], second[key])
        for key in first
    }


def merge_all(parts: Iterable[Totals]) -> Totals:
    """Gives the totals of all parts together, in their order."""
    merged = functools.reduce(merge_totals, parts)
    return {key: np.asarray(total) for key, total in merged.items()}


def make_split(
    shards: Sequence[Shard], parts: Sequence[Totals], description: Description
) -> Split:
    """Makes a split of shards whose clips are still to be counted.

    Args:
        shards: The files.
        parts: Their totals.
        description: What the records hold.
    """
    merged = merge_all(parts)
    means = {}
    for name, modality in description.modalities.items():
        count = merged[f"num_frames/{name}"]
        mean = merged[f"sum/{name}"] / max(count, 1)
        if modality.dtype == "uint8" and count:
            mean = mean * modality.level + modality.value_range[0]
        means[name] = mean.astype(np.float32)
    counted = [
        dataclasses.replace(shard, num_clips=int(part["num_clips"]))
        for shard, part in zip(shards, parts, strict=True)
    ]
    longest, absent = (
        {name: int(merged[f"{key}/{name}"]) for name in description.modalities}
        for key in ("max_num_frames", "num_absent")
    )
    return Split(tuple(counted), merged["class_counts"], means, longest, absent)


def _batch_totals(batch, description):
    parsed = parsing.parse_records(batch, description)
    targets, num_classes = parsed["labels"], description.num_classes
    if not description.multi_label:
        targets = tf.one_hot(targets, num_classes, dtype=tf.int64)
    counts = tf.reduce_sum(tf.cast(targets, tf.int64), axis=0)
    totals = {
        "num_clips": tf.size(parsed["id"], tf.int64),
        "class_counts": tf.ensure_shape(counts, (num_classes,)),
    }
    for name, modality in description.modalities.items():
        stored = parsed[name]
        count = tf.cast(decoding.count_frames(stored, modality), tf.int64)
        with tf.control_dependencies([count]):  # every frame is whole
            numbers = _stored_numbers(stored, modality)
        totals[f"sum/{name}"] = tf.cast(
            tf.reduce_sum(numbers, axis=0), tf.float64
        )
        totals[f"num_frames/{name}"] = tf.reduce_sum(count)
        totals[f"num_absent/{name}"] = tf.math.count_nonzero(count == 0)
        totals[f"{LARGEST}/{name}"] = tf.reduce_max(count)
    return totals


def _stored_numbers(
    stored: tf.Tensor | tf.RaggedTensor, modality: Modality
) -> tf.Tensor:
    """Gives all frames of a batch, int32 or float64 `(total, dim)`."""
    if isinstance(stored, tf.RaggedTensor):
        stored = stored.flat_values
    if stored.dtype == tf.string:
        joined = tf.strings.reduce_join(stored)
        stored = tf.io.decode_raw(joined, tf.as_dtype(modality.dtype))
    # Of bytes, int32 holds the sum of eight million frames.
    dtype = tf.int32 if modality.dtype == "uint8" else tf.float64
    return tf.reshape(tf.cast(stored, dtype), (-1, modality.dim))
