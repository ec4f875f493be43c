"""Checks of a request, within the graph that is served.

A server sees to names and dtypes. Shapes and values reach the graph as a
client sent them, so that all of it is checked here, shapes before what relies
on them. A check that fails is INVALID_ARGUMENT to the client.
"""

from collections.abc import Iterable
from collections.abc import Mapping

import tensorflow as tf

Tensors = dict[str, tf.Tensor]
# Of a feature: float32 holds sums of its square. Beyond, clusters would see
# infinite norms and answer as if the modality were absent.
LARGEST = 1e15


def check_shapes(
    inputs: Tensors, expected: Mapping[str, tuple[int | None, ...]]
) -> Tensors:
    """Gives tensors as they are, or fails where a shape is another.

    Args:
        inputs: The tensors of a request.
        expected: Mapping from each one's name to its shape; None where a
            dimension is free.
    """
    checks = [
        _shape_check(name, inputs[name], shape)
        for name, shape in expected.items()
    ]
    inputs = require({name: inputs[name] for name in expected}, checks)
    return {
        name: tf.ensure_shape(x, expected[name]) for name, x in inputs.items()
    }


def check_clips(
    inputs: Tensors, dims: Mapping[str, int], max_frames: int
) -> Tensors:
    """Gives a request's padded clips as they are, or fails.

    Args:
        inputs: For every modality, float32 `(batch, num_frames, dim)` and
            int32 `MODALITY_num_frames` `(batch,)`.
        dims: Mapping from modality to dim.
        max_frames: The most frames of a clip, padding included.
    """
    expected = {}
    for name, dim in dims.items():
        expected[name] = (None, None, dim)
        expected[f"{name}_num_frames"] = (None,)
    inputs = check_shapes(inputs, expected)
    inputs = require(inputs, _batch_checks(inputs, dims, max_frames))
    inputs = require(inputs, _count_checks(inputs, dims))
    return check_features(inputs, dims)


def check_features(inputs: Tensors, names: Iterable[str]) -> Tensors:
    """Gives clips as they are, or fails on numbers that are out of range.

    Args:
        inputs: As `check_clips` gives them. Padding may hold anything.
        names: The modalities to check.
    """
    return require(inputs, [_range_check(inputs, name) for name in names])


def check_probabilities(probabilities: tf.Tensor) -> tf.Tensor:
    """Gives an answer as it is, or fails where it is no number.

    A model that computes in float16 has no room for all that float32 holds.
    """
    sound = tf.reduce_all(tf.math.is_finite(probabilities), axis=1)
    check = assert_that(
        tf.reduce_all(sound),
        "Expected features that give probabilities. Received: such that the "
        "model, its weights and precision being what they are, gives NaN for "
        "the clips",
        tf.where(~sound)[:, 0],
    )
    return require({"": probabilities}, [check])[""]


def _shape_check(name, tensor, expected):
    # As text: the graph takes the rank of its inputs for granted and leaves
    # out comparisons of numbers that follow from it.
    shape = tf.raw_ops.Shape(input=tensor)
    text = tf.strings.reduce_join(tf.strings.as_string(shape), separator=",")
    pattern = ",".join(
        "[0-9]+" if size is None else str(size) for size in expected
    )
    sizes = ["any" if size is None else str(size) for size in expected]
    return assert_that(
        tf.strings.regex_full_match(text, pattern),
        f"Expected {name} of shape ({', '.join(sizes)}). Received: shape",
        shape,
    )


def _batch_checks(inputs, dims, max_frames):
    """One number of clips, not none, and none of them too long."""
    sizes = {name: tf.shape(x)[0] for name, x in inputs.items()}
    batch = next(iter(sizes.values()))
    all_sizes = tf.stack(list(sizes.values()))
    return [
        assert_that(batch > 0, "Expected at least one clip. Received: none."),
        assert_that(
            tf.reduce_all(tf.equal(all_sizes, batch)),
            f"Expected as many clips in each of {list(sizes)}. Received:",
            all_sizes,
        ),
        *(limit_length(x, tf.shape(inputs[x])[1], max_frames) for x in dims),
    ]


def _count_checks(inputs, dims):
    counts = {name: inputs[f"{name}_num_frames"] for name in dims}
    checks = [require_frames(counts)]
    for name, count in counts.items():
        slots = tf.shape(inputs[name])[1]
        wrong = (count < 0) | (count > slots)
        checks.append(
            assert_that(
                ~tf.reduce_any(wrong),
                f"Expected {name}_num_frames from 0 to the number of frames "
                f"in {name},",
                slots,
                "Received:",
                tf.boolean_mask(count, wrong),
                "for the clips",
                tf.where(wrong)[:, 0],
            )
        )
    return checks


def require_frames(counts: Tensors) -> tf.Operation:
    """Fails where a clip has a count of 0 in every modality."""
    present = tf.stack([count != 0 for count in counts.values()])
    empty = ~tf.reduce_any(present, axis=0)
    return assert_that(
        ~tf.reduce_any(empty),
        f"Expected frames in at least one of {list(counts)} for every clip. "
        "Received: none for the clips",
        tf.where(empty)[:, 0],
    )


def limit_length(
    name: str, longest: tf.Tensor, max_frames: int
) -> tf.Operation:
    """Fails where the longest clip of a modality is too long."""
    return assert_that(
        longest <= max_frames,
        f"Expected clips of at most {max_frames} frames of {name}, the limit "
        "that the model was exported with. Received:",
        longest,
        "Take fewer frames at equal intervals, or export with another "
        "max_frames.",
    )


def _range_check(inputs, name):
    """Fails on NaN, infinity and vast numbers, other than in padding."""
    frames, count = inputs[name], inputs[f"{name}_num_frames"]
    padding = ~tf.sequence_mask(count, tf.shape(frames)[1])
    # False for NaN too.
    sound = tf.reduce_all(tf.abs(frames) <= LARGEST, axis=2) | padding
    sound = tf.reduce_all(sound, axis=1)
    return assert_that(
        tf.reduce_all(sound),
        f"Expected finite features of {name}, of magnitude {LARGEST:g} or "
        "less. Received: NaN, infinity or more in the clips",
        tf.where(~sound)[:, 0],
    )


def assert_that(condition: tf.Tensor, *message: object) -> tf.Operation:
    """Fails with INVALID_ARGUMENT and a message of text and tensors."""
    return tf.debugging.Assert(condition, list(message), summarize=10)


def require(inputs: Tensors, checks: list[tf.Operation]) -> Tensors:
    """Gives tensors as they are, once the checks have passed."""
    with tf.control_dependencies(checks):
        return {name: tf.identity(x) for name, x in inputs.items()}


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
