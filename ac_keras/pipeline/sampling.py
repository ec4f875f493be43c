"""Which of a clip's frames to take (sections 5.3 and 5.4).

All ways work on a whole batch. They take a clip's `num_frames` and give
`sample_size` positions for each, in ascending order. A clip shorter than
that keeps all its frames; its last positions are padding, and `num_sampled`
tells how many are real.
"""

import tensorflow as tf


def num_sampled(num_frames: tf.Tensor, sample_size: int) -> tf.Tensor:
    """Counts the frames taken from each clip, int32 `(batch,)`."""
    return tf.minimum(num_frames, sample_size)


def equal_intervals(num_frames: tf.Tensor, sample_size: int) -> tf.Tensor:
    """Takes the middle frames of equal intervals.

    Args:
        num_frames: int32 `(batch,)`, the clips' numbers of frames.
        sample_size: How many frames to take.

    Returns:
        int32 `(batch, sample_size)`, the positions; 0 where there is padding.
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
    """Draws frames at random, each at most once.

    What a clip draws follows from the seed, its row in the whole batch and
    its own number of frames. A process that holds some rows of a batch draws
    for them what a process that holds all rows does.

    Args:
        num_frames: int32 `(batch,)`, the clips' numbers of frames.
        sample_size: How many frames to draw.
        seed: Integers `(2,)`. The same seed draws the same frames.
        first_row: The first clip's row in the whole batch.
        num_rows: Clips in the whole batch; None where it is this one.

    Returns:
        int32 `(batch, sample_size)`, the positions; 0 where there is padding.
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
    """Draws a frame at random from each of `sample_size` equal segments.

    Arguments and result are those of `random_subset`. Segments of a clip
    whose length they do not divide differ by a frame at most.

    References: Wang et al., Temporal Segment Networks, ECCV 2016, section 3.1.
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
