"""From the labels of records to what a model is trained on."""

import tensorflow as tf

from ac_keras.pipeline.description import Description
from ac_keras.pipeline.formats import mediasequence
from ac_keras.pipeline.formats import youtube8m


def make_targets(
    labels: tf.RaggedTensor, ids: tf.Tensor, description: Description
) -> tf.Tensor:
    """Checks a batch's labels and gives them their final form.

    Args:
        labels: int64 `(batch, None)`.
        ids: Strings `(batch,)`, named in errors.
        description: The dataset that they belong to.

    Returns:
        int32 `(batch,)`; multi-label: float32 `(batch, num_classes)`, 1 where
        a clip has the label.
    """
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
            return tf.cast(counts > 0, tf.float32)
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
        return tf.cast(values, tf.int32)


def expand_clips(
    records: tf.data.Dataset, description: Description
) -> tf.data.Dataset:
    """Turns the records of files into elements, one a clip.

    Args:
        records: Serialized records, of one file or more.
        description: The dataset that they belong to.

    Returns:
        A dataset that can be batched, and its batches parsed by
        `parse_records`: the records themselves, or their segments.
    """
    if description.record_format == "youtube8m_segments":
        return youtube8m.expand_segments(records, description)
    return records


def parse_records(
    batch: tf.Tensor | dict[str, tf.Tensor],
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Splits a batch of clips.

    Args:
        batch: A batch of what `expand_clips` gives.
        description: The dataset that they belong to.
        labelled: Whether to read labels, and to insist on ids.
        named: Whether to read ids, as is needed with labels. Without either
            a record may hold anything under these keys.

    Returns:
        `id` (strings `(batch,)`; `""` for a clip that may lack it and does;
        its place in the batch if ids are not read), `labels` if asked for
        (int32 `(batch,)`; multi-label: float32 `(batch, num_classes)`, 1 where
        a clip has the label), and for every modality strings `(batch,)` or,
        ragged, strings `(batch, None)` or float32 `(batch, None, dim)`.
    """
    parse = {
        "clip": _parse_clips,
        "youtube8m": youtube8m.parse_videos,
        "youtube8m_segments": youtube8m.parse_segments,
        "mediasequence": mediasequence.parse_sequences,
    }[description.record_format]
    parsed = parse(batch, description, labelled, named)
    if not labelled:
        if "id" not in parsed:
            parsed["id"] = tf.strings.as_string(tf.range(tf.size(batch)))
        return parsed
    targets = make_targets(parsed["labels"], parsed["id"], description)
    return {**parsed, "labels": targets}


def _parse_clips(records, description, labelled, named):
    string = tf.io.FixedLenFeature([], tf.string)
    features = dict.fromkeys(description.modalities, string)
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
