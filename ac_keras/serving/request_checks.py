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
