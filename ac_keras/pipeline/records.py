"""From batches of serialized examples to batches of features.

A batch goes through two steps. `parse_records` splits the examples and leaves
every modality as one string a clip, in the stored dtype. `decode_frames` cuts
the sampled frames out of those strings and decodes nothing else.
"""

import tensorflow as tf

from ac_keras.pipeline.manifest import Description
from ac_keras.pipeline.modality import Modality


def expand_clips(
    serialized: tf.data.Dataset, description: Description
) -> tf.data.Dataset:
    """Turns serialized records into elements, one for each clip."""
    return serialized


def parse_records(
    records: tf.Tensor, description: Description
) -> dict[str, tf.Tensor]:
    """Splits a batch of serialized examples.

    Args:
        records: Strings `(batch,)`.
        description: The dataset that they belong to.

    Returns:
        `id` (strings `(batch,)`), `labels` (int32 `(batch,)`; multi-label:
        float32 `(batch, num_classes)`, 1 where a clip has the label), and for
        every modality strings `(batch,)`.
    """
    labels = (
        tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
        if description.multi_label
        else tf.io.FixedLenFeature([], tf.int64)
    )
    strings = tf.io.FixedLenFeature([], tf.string)
    features = dict.fromkeys(["id", *description.modalities], strings)
    parsed = tf.io.parse_example(records, {**features, "labels": labels})
    parsed["labels"] = _labels(parsed["labels"], description)
    return parsed


def _labels(labels, description):
    values = labels.flat_values if description.multi_label else labels
    num_classes = description.num_classes
    in_range = tf.debugging.Assert(
        tf.reduce_all((values >= 0) & (values < num_classes)),
        [f"Expected labels from 0 to {num_classes - 1}. Received:", values],
    )
    with tf.control_dependencies([in_range]):
        if not description.multi_label:
            return tf.cast(labels, tf.int32)
        index = tf.stack([labels.value_rowids(), labels.flat_values], axis=1)
        shape = tf.stack([labels.nrows(), num_classes])
        ones = tf.ones_like(labels.flat_values, tf.float32)
        return tf.scatter_nd(index, ones, shape)


def count_frames(stored: tf.Tensor, modality: Modality) -> tf.Tensor:
    """Counts the frames in each string, int32 `(batch,)`."""
    size = tf.strings.length(stored)
    whole = tf.debugging.assert_equal(
        size % modality.frame_bytes,
        0,
        f"Expected a whole number of frames of {modality.frame_bytes} bytes.",
    )
    with tf.control_dependencies([whole]):
        return size // modality.frame_bytes


def decode_all_frames(
    stored: tf.Tensor, modality: Modality, num_slots: tf.Tensor | int
) -> tf.Tensor:
    """Decodes every frame.

    Args:
        stored: Strings `(batch,)`, one clip's frames each.
        modality: How they are stored.
        num_slots: Frames of the result; no clip has more.

    Returns:
        float32 `(batch, num_slots, dim)`, zeros past a clip's end.
    """
    flat = _decode_raw(stored, modality, num_slots)
    frames = tf.reshape(flat, (-1, num_slots, modality.dim))
    return _as_features(frames, count_frames(stored, modality), modality)


def decode_frames(
    stored: tf.Tensor,
    modality: Modality,
    positions: tf.Tensor,
    num_frames: tf.Tensor,
) -> tf.Tensor:
    """Decodes the frames at some positions and no others.

    Args:
        stored: Strings `(batch,)`, one clip's frames each.
        modality: How they are stored.
        positions: int32 `(batch, sample_size)`, the frames to take.
        num_frames: int32 `(batch,)`, how many of the positions are real.

    Returns:
        float32 `(batch, sample_size, dim)`, zeros where a position is not
        real.
    """
    slot = tf.range(tf.shape(positions)[1])[None, :]
    size = tf.where(slot < num_frames[:, None], modality.frame_bytes, 0)
    rows = tf.strings.substr(
        stored[:, None], positions * modality.frame_bytes, size
    )
    frames = _decode_raw(rows, modality, 1)
    return _as_features(frames, num_frames, modality)


def _decode_raw(strings, modality, num_frames):
    """Turns each string into the numbers of `num_frames` frames."""
    dtype = tf.as_dtype(modality.dtype)
    # Decoding with padding knows no float16.
    read_as = tf.uint16 if dtype == tf.float16 else dtype
    numbers = tf.io.decode_raw(
        strings, read_as, fixed_length=num_frames * modality.frame_bytes
    )
    return tf.bitcast(numbers, dtype)


def _as_features(frames, num_frames, modality):
    """Turns stored numbers into float32 features, padding into zeros."""
    frames = tf.ensure_shape(frames, (None, None, modality.dim))
    features = tf.cast(frames, tf.float32)
    if modality.dtype == "uint8":
        features = features * modality.level + modality.value_range[0]
        real = tf.sequence_mask(num_frames, tf.shape(frames)[1])
        features = tf.where(real[:, :, None], features, 0.0)
    return features
