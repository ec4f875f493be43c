"""Checks of requests inside the served graph.

A server checks the names and dtypes of inputs only; shapes and values reach
the graph as the client sent them. So the graph checks them: shapes first, then
what relies on them. A failed check is INVALID_ARGUMENT to the client.
"""

from collections.abc import Iterable
from collections.abc import Mapping

import tensorflow as tf

Tensors = dict[str, tf.Tensor]
# Largest magnitude of a feature: float32 holds sums of its square. With larger
# ones the norms of clusters overflow, as if the modality were absent.
LARGEST = 1e15
# Largest size of a modality's frames in a request after decoding.
DECODED_BYTES = 2**28
_NUM_FIELDS = 2  # of a SequenceExample; an Example has one
_MAX_LENGTH_BYTES = 5  # of a length below 2**35, with seven bits in each byte


def check_shapes(
    inputs: Tensors, expected: Mapping[str, tuple[int | None, ...]]
) -> Tensors:
    """Checks the shapes of tensors; None marks a free dimension.

    Returns the tensors of these names, with static shapes.
    """
    checks = [
        _shape_check(name, inputs[name], shape)
        for name, shape in expected.items()
    ]
    inputs = _require({name: inputs[name] for name in expected}, checks)
    return {
        name: tf.ensure_shape(x, expected[name]) for name, x in inputs.items()
    }


def check_clips(
    inputs: Tensors, dims: Mapping[str, int], max_num_frames: int
) -> Tensors:
    """Checks the padded clips of a request: shapes, counts and values.

    The inputs are, for every modality, float32 `(batch, num_frames, dim)` and
    int32 `MODALITY_num_frames` `(batch,)`, with at most `max_num_frames` frames
    of a clip, padding included.
    """
    expected = {}
    for name, dim in dims.items():
        expected[name] = (None, None, dim)
        expected[f"{name}_num_frames"] = (None,)
    inputs = check_shapes(inputs, expected)
    inputs = _require(inputs, _batch_checks(inputs, dims, max_num_frames))
    inputs = _require(inputs, _count_checks(inputs, dims))
    return check_features(inputs, dims)


def check_features(inputs: Tensors, names: Iterable[str]) -> Tensors:
    """Checks that features before padding are finite, at most `LARGEST`."""
    return _require(inputs, [_range_check(inputs, name) for name in names])


def check_probabilities(probabilities: tf.Tensor) -> tf.Tensor:
    """Checks that probabilities `(batch, num_classes)` are finite.

    A model that computes in float16 overflows at features that fit float32.
    """
    finite = tf.reduce_all(tf.math.is_finite(probabilities), axis=1)
    check = _assert(
        tf.reduce_all(finite),
        "Expected features for which the model gives finite probabilities. "
        "Received: features for which it, with its weights and precision, "
        "gives NaN for the clips",
        tf.where(~finite)[:, 0],
    )
    return _require({"": probabilities}, [check])[""]


def check_parsable(serialized: tf.Tensor, sequences: bool) -> tf.Tensor:
    """Checks that there are records and that protobuf can parse each.

    They are strings `(batch,)`, each a `tf.Example` or `tf.SequenceExample`.
    TensorFlow's own parsers trust a length of 2**31 or more and kill the
    process. Records that pass the first check but not protobuf's parser have
    the status DATA_LOSS.
    """
    kind, field = ("Sequence", "context") if sequences else ("", "features")
    checks = [
        _assert(
            tf.size(serialized) > 0,
            "Expected at least one serialized clip. Received: none.",
        ),
        _framing_check(serialized, f"tf.{kind}Example"),
    ]
    serialized = _require({"": serialized}, checks)[""]
    sizes, _ = tf.io.decode_proto(
        serialized,
        f"tensorflow.{kind}Example",
        [field],
        [tf.string],
        sanitize=True,
    )
    # Always true. Without it TensorFlow would prune the unused parser.
    parsed = _assert(tf.reduce_all(sizes >= 0), "Expected records.")
    return _require({"": serialized}, [parsed])[""]


def check_counts(
    counts: Tensors,
    dims: Mapping[str, int],
    max_num_frames: int,
    sample_size: int = 0,
) -> list[tf.Operation]:
    """Builds checks of the numbers of frames in records, before decoding.

    Args:
        counts: Mapping from modality to int32 `(batch,)`.
        dims: Mapping from modality to dim.
        max_num_frames: Largest number of frames of a clip.
        sample_size: Frames decoded of each clip; 0 decodes all.
    """
    checks = [_any_frames_check(counts)]
    for name, num_frames in counts.items():
        longest = tf.reduce_max(num_frames)
        slots = tf.minimum(longest, sample_size) if sample_size else longest
        clips = tf.size(num_frames, tf.int64)
        most = DECODED_BYTES // (4 * dims[name])
        checks += [
            _length_check(name, longest, max_num_frames),
            _assert(
                clips * tf.cast(slots, tf.int64) <= most,
                f"Expected at most {most} frames of {name} in a request, each "
                "clip padded to the longest. Received: clips and frames of the "
                "longest:",
                [clips, tf.cast(slots, tf.int64)],
                "Send fewer clips at a time.",
            ),
        ]
    return checks


def _assert(condition: tf.Tensor, *message: object) -> tf.Operation:
    """Fails with INVALID_ARGUMENT and a message of text and tensors."""
    return tf.debugging.Assert(condition, list(message), summarize=10)


def _require(inputs: Tensors, checks: list[tf.Operation]) -> Tensors:
    """Returns tensors that are available once the checks have passed."""
    with tf.control_dependencies(checks):
        return {name: tf.identity(x) for name, x in inputs.items()}


def _shape_check(name, tensor, expected):
    # Compares text: TensorFlow assumes the static rank of an input and would
    # remove comparisons of numbers that follow from it.
    shape = tf.raw_ops.Shape(input=tensor)
    text = tf.strings.reduce_join(tf.strings.as_string(shape), separator=",")
    pattern = ",".join(
        "[0-9]+" if size is None else str(size) for size in expected
    )
    sizes = ["any" if size is None else str(size) for size in expected]
    return _assert(
        tf.strings.regex_full_match(text, pattern),
        f"Expected {name} of shape ({', '.join(sizes)}). Received: shape",
        shape,
    )


def _batch_checks(inputs, dims, max_num_frames):
    """Checks for one number of clips in all inputs, above 0, none too long."""
    sizes = {name: tf.shape(x)[0] for name, x in inputs.items()}
    batch = next(iter(sizes.values()))
    all_sizes = tf.stack(list(sizes.values()))
    return [
        _assert(batch > 0, "Expected at least one clip. Received: none."),
        _assert(
            tf.reduce_all(tf.equal(all_sizes, batch)),
            f"Expected as many clips in each of {list(sizes)}. Received:",
            all_sizes,
        ),
        *(
            _length_check(name, tf.shape(inputs[name])[1], max_num_frames)
            for name in dims
        ),
    ]


def _count_checks(inputs, dims):
    counts = {name: inputs[f"{name}_num_frames"] for name in dims}
    checks = [_any_frames_check(counts)]
    for name, count in counts.items():
        slots = tf.shape(inputs[name])[1]
        wrong = (count < 0) | (count > slots)
        checks.append(
            _assert(
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


def _any_frames_check(counts):
    """Fails where a clip has a count of 0 in every modality."""
    present = tf.stack([count != 0 for count in counts.values()])
    empty = ~tf.reduce_any(present, axis=0)
    return _assert(
        ~tf.reduce_any(empty),
        f"Expected frames in at least one of {list(counts)} for every clip. "
        "Received: none for the clips",
        tf.where(empty)[:, 0],
    )


def _length_check(name, longest, max_num_frames):
    return _assert(
        longest <= max_num_frames,
        f"Expected clips of at most {max_num_frames} frames of {name}, the "
        "limit that the model was exported with. Received:",
        longest,
        "Take fewer frames at equal intervals, or export with another "
        "max_num_frames.",
    )


def _range_check(inputs, name):
    """Fails on NaN, infinity and huge numbers outside of padding."""
    frames, count = inputs[name], inputs[f"{name}_num_frames"]
    padding = ~tf.sequence_mask(count, tf.shape(frames)[1])
    # The comparison is False for NaN, too.
    valid = tf.reduce_all(tf.abs(frames) <= LARGEST, axis=2) | padding
    valid = tf.reduce_all(valid, axis=1)
    return _assert(
        tf.reduce_all(valid),
        f"Expected finite features of {name}, of magnitude {LARGEST:g} or "
        "less. Received: NaN, infinity or more in the clips",
        tf.where(~valid)[:, 0],
    )


def _framing_check(serialized, kind):
    """Fails where a record's fields are unknown or end after its end."""
    size = tf.cast(tf.strings.length(serialized), tf.int64)
    position = tf.zeros_like(size)
    valid = tf.ones_like(size, tf.bool)
    for _ in range(_NUM_FIELDS):
        known, end = _field_end(serialized, position)
        valid &= (position >= size) | (known & (end <= size))
        position = tf.where(valid, tf.minimum(end, size), size)
    return _assert(
        tf.reduce_all(valid),
        f"Expected serialized {kind}s. Received: other or truncated bytes for "
        "the clips",
        tf.where(~valid)[:, 0],
    )


def _field_end(serialized, position):
    """Returns where fields have a valid tag, and the position after each."""
    count = tf.ones_like(position) * (1 + _MAX_LENGTH_BYTES)
    head = tf.strings.substr(serialized, position, count)
    head = tf.io.decode_raw(head, tf.uint8, fixed_length=1 + _MAX_LENGTH_BYTES)
    head = tf.cast(head, tf.int64)
    tag = head[:, 0]
    known = (tag >= 8) & (tf.math.floormod(tag, 8) < 6)
    continued = tf.cast(head[:, 1:] >= 128, tf.int64)
    in_length = tf.math.cumprod(continued, axis=1, exclusive=True)  # 0 or 1
    digits = tf.bitwise.bitwise_and(head[:, 1:], 127) * in_length
    shifts = tf.range(0, 7 * _MAX_LENGTH_BYTES, 7, tf.int64)
    length = tf.reduce_sum(tf.bitwise.left_shift(digits, shifts), axis=1)
    end = position + 1 + tf.reduce_sum(in_length, axis=1) + length
    # Fields of other wire types are not checked, nor what follows them.
    has_length = (tag < 128) & tf.equal(tf.math.floormod(tag, 8), 2)
    size = tf.cast(tf.strings.length(serialized), tf.int64)
    return known, tf.where(has_length, end, size)
