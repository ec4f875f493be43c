"""Sampling of frames (sections 5.3 and 5.4).

All functions work on a batch. From each clip's `num_frames` they compute
`sample_size` positions in ascending order. A clip with fewer frames keeps all
of them; its last positions are padding, and `num_sampled` counts the real ones.
"""

import tensorflow as tf


def num_sampled(num_frames: tf.Tensor, sample_size: int) -> tf.Tensor:
    """Counts the frames sampled from each clip, int32 `(batch,)`."""
    return tf.minimum(num_frames, sample_size)


def equal_intervals(num_frames: tf.Tensor, sample_size: int) -> tf.Tensor:
    """Selects the middle frames of equal intervals.

    From lengths, int32 `(batch,)`, it computes positions, int32
    `(batch, sample_size)`; 0 for padding.
    """
    # In integers: a float32 product may round up to the length.
    length = tf.cast(num_frames, tf.int64)[:, None]
    count = tf.minimum(length, sample_size)
    slot = tf.range(sample_size, dtype=tf.int64)[None, :]
    position = (2 * slot + 1) * length // (2 * tf.maximum(count, 1))
    return tf.cast(tf.where(slot < count, position, 0), tf.int32)


def random_subset(
    num_frames: tf.Tensor,
    sample_size: int,
    seed: tf.Tensor,
    first_row: int = 0,
    num_rows: int | None = None,
) -> tf.Tensor:
    """Samples frames at random without replacement.

    The sample of a clip depends on the seed, its row in the whole batch and
    its number of frames. A process that reads some rows of a batch samples
    the same frames for them as a process that reads all rows.

    Args:
        num_frames: int32 `(batch,)`, number of frames of each clip.
        sample_size: Number of frames to sample.
        seed: Integers `(2,)`.
        first_row: Row of the first clip in the whole batch.
        num_rows: Number of clips in the whole batch; None if it is this one.

    Returns:
        int32 `(batch, sample_size)`, the positions; 0 for padding.
    """
    batch = tf.shape(num_frames)[0]
    num_rows = batch if num_rows is None else num_rows
    longest = tf.maximum(tf.reduce_max(num_frames), sample_size)
    # A column a clip: a longer clip adds rows and changes none above them.
    rank = tf.random.stateless_uniform((longest, num_rows), seed)
    rank = tf.transpose(rank[:, first_row : first_row + batch])
    slot = tf.range(longest)[None, :]
    rank = tf.where(slot < num_frames[:, None], rank, 2.0)
    _, drawn = tf.math.top_k(-rank, sample_size)  # real frames come first
    count = num_sampled(num_frames, sample_size)[:, None]
    real = slot[:, :sample_size] < count
    drawn = tf.sort(tf.where(real, drawn, longest), axis=1)
    return tf.where(real, drawn, 0)


def random_segments(
    num_frames: tf.Tensor,
    sample_size: int,
    seed: tf.Tensor,
    first_row: int = 0,
    num_rows: int | None = None,
) -> tf.Tensor:
    """Samples one frame at random from each of `sample_size` equal segments.

    The lengths of a clip's segments differ by one frame at most. Arguments
    and result are those of `random_subset`.

    References:
        Wang et al., Temporal Segment Networks, ECCV 2016, section 3.1.
    """
    batch = tf.shape(num_frames)[0]
    num_rows = batch if num_rows is None else num_rows
    part = tf.random.stateless_uniform((sample_size, num_rows), seed)
    part = tf.transpose(part[:, first_row : first_row + batch])
    # In integers, as above.
    length = tf.cast(num_frames, tf.int64)[:, None]
    count = tf.minimum(length, sample_size)
    slot = tf.range(sample_size, dtype=tf.int64)[None, :]
    first = slot * length // tf.maximum(count, 1)
    last = (slot + 1) * length // tf.maximum(count, 1) - 1
    within = tf.cast(part * tf.cast(last - first + 1, tf.float32), tf.int64)
    position = tf.minimum(first + within, last)
    return tf.cast(tf.where(slot < count, position, 0), tf.int32)


FRAME_SAMPLINGS = {"subset": random_subset, "segments": random_segments}
