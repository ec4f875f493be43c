"""Checks of clips that came as records, before and after they are parsed."""

from collections.abc import Mapping

import tensorflow as tf

from ac_keras.serving.request_checks import Tensors
from ac_keras.serving.request_checks import assert_that
from ac_keras.serving.request_checks import limit_length
from ac_keras.serving.request_checks import require
from ac_keras.serving.request_checks import require_frames

# What a modality's frames in a request may take once they are decoded.
DECODED_BYTES = 2**28
_FIELDS = 2  # of a SequenceExample; an Example has one
_MOST_DIGITS = 5  # of a length below 2**35, seven bits each


def check_parsable(serialized: tf.Tensor, sequences: bool) -> tf.Tensor:
    """Gives records as they are, or fails if none or one unreadable is there.

    TensorFlow's own parsers of records take a length of 2**31 or more for
    granted and kill the process. What the first check lets through and
    protobuf cannot read has the status DATA_LOSS.

    Args:
        serialized: Strings `(batch,)`.
        sequences: Whether they are of `tf.SequenceExample`.
    """
    kind, field = ("Sequence", "context") if sequences else ("", "features")
    checks = [
        assert_that(
            tf.size(serialized) > 0,
            "Expected at least one serialized clip. Received: none.",
        ),
        _whole_check(serialized, f"tf.{kind}Example"),
    ]
    serialized = require({"": serialized}, checks)[""]
    sizes, _ = tf.io.decode_proto(
        serialized,
        f"tensorflow.{kind}Example",
        [field],
        [tf.string],
        sanitize=True,
    )
    # Always so. TensorFlow leaves out what has neither users nor effects.
    read = assert_that(tf.reduce_all(sizes >= 0), "Expected records.")
    return require({"": serialized}, [read])[""]


def _whole_check(serialized, kind):
    """Fails where a record's fields are none, or end behind its end."""
    size = tf.cast(tf.strings.length(serialized), tf.int64)
    position = tf.zeros_like(size)
    sound = tf.ones_like(size, tf.bool)
    for _ in range(_FIELDS):
        known, end = _field_end(serialized, position)
        sound &= (position >= size) | (known & (end <= size))
        position = tf.where(sound, tf.minimum(end, size), size)
    return assert_that(
        tf.reduce_all(sound),
        f"Expected serialized {kind}s. Received: other or truncated bytes for "
        "the clips",
        tf.where(~sound)[:, 0],
    )


def _field_end(serialized, position):
    """Gives whether fields may begin so, and the place behind each."""
    count = tf.ones_like(position) * (1 + _MOST_DIGITS)
    head = tf.strings.substr(serialized, position, count)
    head = tf.io.decode_raw(head, tf.uint8, fixed_length=1 + _MOST_DIGITS)
    head = tf.cast(head, tf.int64)
    tag = head[:, 0]
    known = (tag >= 8) & (tf.math.floormod(tag, 8) < 6)
    goes_on = tf.cast(head[:, 1:] >= 128, tf.int64)
    counts = tf.math.cumprod(goes_on, axis=1, exclusive=True)  # 1 in digits
    digits = tf.bitwise.bitwise_and(head[:, 1:], 127) * counts
    places = tf.range(0, 7 * _MOST_DIGITS, 7, tf.int64)
    length = tf.reduce_sum(tf.bitwise.left_shift(digits, places), axis=1)
    end = position + 1 + tf.reduce_sum(counts, axis=1) + length
    # The length of others is not looked at, nor what comes behind them.
    has_length = (tag < 128) & tf.equal(tf.math.floormod(tag, 8), 2)
    size = tf.cast(tf.strings.length(serialized), tf.int64)
    return known, tf.where(has_length, end, size)


def check_counts(
    counts: Tensors,
    dims: Mapping[str, int],
    max_frames: int,
    sample_size: int = 0,
) -> list[tf.Operation]:
    """Checks how many frames records hold, before any of them is decoded.

    Args:
        counts: Mapping from modality to int32 `(batch,)`.
        dims: Mapping from modality to dim.
        max_frames: The most frames of a clip.
        sample_size: Frames decoded of each clip; 0 decodes all.
    """
    checks = [require_frames(counts)]
    for name, num_frames in counts.items():
        longest = tf.reduce_max(num_frames)
        slots = tf.minimum(longest, sample_size) if sample_size else longest
        clips = tf.size(num_frames, tf.int64)
        most = DECODED_BYTES // (4 * dims[name])
        checks += [
            limit_length(name, longest, max_frames),
            assert_that(
                clips * tf.cast(slots, tf.int64) <= most,
                f"Expected at most {most} frames of {name} in a request, each "
                "clip padded to the longest. Received: clips and frames of the "
                "longest:",
                [clips, tf.cast(slots, tf.int64)],
                "Send fewer clips at a time.",
            ),
        ]
    return checks
