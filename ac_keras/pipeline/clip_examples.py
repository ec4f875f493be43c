"""Our own records, parsed: a `tf.train.Example` each, a string a modality."""

from collections.abc import Iterable

import tensorflow as tf

from ac_keras.pipeline.description import Description


def parse_clips(
    records: tf.Tensor,
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Splits a batch of serialized clips.

    Args:
        records: Strings `(batch,)`.
        description: The dataset that they belong to.
        labelled: As `records.parse_records` has it.
        named: The same.

    Returns:
        `id`, strings `(batch,)`; `labels`, int64 `(batch, None)`, ragged; and
        for every modality strings `(batch,)`.
    """
    return _parse(records, description.modalities, labelled, named)


def parse_names_and_labels(
    records: tf.Tensor,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Gives `id` and `labels` as `parse_clips` does and reads nothing else."""
    return _parse(records, (), True, True)


def _parse(records, names: Iterable[str], labelled, named):
    string = tf.io.FixedLenFeature([], tf.string)
    features = dict.fromkeys(names, string)
    if named:
        features["id"] = (
            string
            if labelled
            else tf.io.FixedLenFeature([], tf.string, default_value="")
        )
    if labelled:
        features["labels"] = tf.io.RaggedFeature(
            tf.int64, row_splits_dtype=tf.int64
        )
    return tf.io.parse_example(records, features)
