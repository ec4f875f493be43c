"""From the labels of records to what a model is trained on."""

import tensorflow as tf

from ac_keras.pipeline.description import Description


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
