"""Parsing of batches of records into ids, targets and stored frames."""

import tensorflow as tf

from ac_keras.pipeline.description import Description
from ac_keras.pipeline.formats.located_frames import LocatedFrames


def expand_clips(
    records: tf.data.Dataset, description: Description
) -> tf.data.Dataset:
    """Splits the records of files, scalar strings, into clips.

    Returns a dataset with an element for each clip: the records themselves, or
    their segments. `parse_records` takes batches of its elements.
    """
    return description.format.expand(records)


def parse_records(
    batch: tf.Tensor | dict[str, tf.Tensor],
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Splits a batch of clips into ids, targets and stored frames.

    Arguments and result are those of `RecordFormat.parse`, but

    - an `id` is the clip's index in the batch if not `named`.
    - `labels` are int32 `(batch,)`, or float32 `(batch, num_classes)` of 0
      and 1 in a multi-label dataset.

    What is not read may have any type in the records.
    """
    parsed = description.format.parse(batch, labelled, named)
    if labelled:
        return _with_targets(parsed, description)
    if "id" not in parsed:
        parsed["id"] = tf.strings.as_string(tf.range(tf.size(batch)))
    return parsed


def locate_records(
    batch: tf.Tensor | dict[str, tf.Tensor], description: Description
) -> dict[str, tf.Tensor | tf.RaggedTensor | LocatedFrames]:
    """Splits a batch like `parse_records`, if possible without copying frames.

    Faster than `parse_records` if at most half of the frames are decoded.
    Frames may be `LocatedFrames`.
    """
    return _with_targets(description.format.locate(batch), description)


def _with_targets(parsed, description):
    """Checks the labels of a batch and replaces them by targets."""
    labels, ids = parsed["labels"], parsed["id"]
    num_classes = description.num_classes
    values, clips = labels.flat_values, labels.value_rowids()
    wrong = (values < 0) | (values >= num_classes)
    in_range = tf.debugging.Assert(
        ~tf.reduce_any(wrong),
        [
            f"Expected labels from 0 to {num_classes - 1}. Received:",
            tf.boolean_mask(values, wrong),
            "in clips",
            tf.boolean_mask(tf.gather(ids, clips), wrong),
        ],
    )
    if description.multi_label:
        with tf.control_dependencies([in_range]):
            index = tf.stack([clips, values], axis=1)
            shape = tf.stack([labels.nrows(), num_classes])
            counts = tf.scatter_nd(index, tf.ones_like(values), shape)
            return {**parsed, "labels": tf.cast(counts > 0, tf.float32)}
    odd = labels.row_lengths() != 1
    one_each = tf.debugging.Assert(
        ~tf.reduce_any(odd),
        [
            "Expected labels of one class a clip, as the dataset is not "
            "multi-label. Received another number in clips",
            tf.boolean_mask(ids, odd),
        ],
    )
    with tf.control_dependencies([in_range, one_each]):
        return {**parsed, "labels": tf.cast(values, tf.int32)}
