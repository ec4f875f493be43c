"""Decoding of batches of parsed records into features.

`parsing.parse_records` leaves the frames of every modality as they are stored:
one string a clip in our own records and in segments; in other records a ragged
tensor with an entry a frame, a string or a row of floats. `decode_frames` takes
the sampled frames out of these and decodes nothing else.
"""

import functools
from collections.abc import Callable
from collections.abc import Mapping

import tensorflow as tf

from ac_keras.pipeline import sampling
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.formats.located_frames import LocatedFrames
from ac_keras.pipeline.modality import Modality

Check = Callable[[tf.Tensor], tf.Tensor]
_fold_in = tf.random.experimental.stateless_fold_in


def batch_decoder(
    description: Description,
    longest: Mapping[str, int] | None,
    sample_size: int,
    first_row: int = 0,
    num_rows: int | None = None,
    check: bool = True,
    frame_sampling: str = "subset",
) -> Callable[[dict[str, tf.Tensor], tf.Tensor | None], tuple]:
    """Returns a function that samples and decodes a batch of parsed records.

    Args:
        description: The dataset, with the modalities to decode.
        longest: Mapping from modality to the number of frames of the longest
            clip; None if unknown, to use the longest clip of each batch.
        sample_size: Number of frames to sample from each clip and modality;
            0 takes all.
        first_row: Row of the first clip in the whole batch.
        num_rows: Number of clips in the whole batch; None if it is this one.
        check: Whether to check that features are finite; if not, the caller
            does.
        frame_sampling: `"subset"` or `"segments"`, how to sample by a seed.

    Returns:
        A function of the dict of `parse_records` and of a seed, integers
        `(2,)`, or None to take frames at equal intervals. It returns a dict
        of features and the labels, or None if there are no labels.
    """

    def takes_all(name):
        return not sample_size or (longest and sample_size >= longest[name])

    def positions_of(num_frames, seed):
        if seed is None:
            return sampling.equal_intervals(num_frames, sample_size)
        return sampling.FRAME_SAMPLINGS[frame_sampling](
            num_frames, sample_size, seed, first_row, num_rows
        )

    def decode_modality(name, modality, stored, seed, check_frames):
        num_frames = count_frames(stored, modality)
        if takes_all(name):
            # A modality that no clip has takes one slot.
            slots = sample_size or (
                max(longest[name], 1)
                if longest
                else tf.maximum(tf.reduce_max(num_frames), 1)
            )
            frames = decode_all_frames(stored, modality, slots, check_frames)
            return frames, num_frames
        positions = positions_of(num_frames, seed)
        count = sampling.num_sampled(num_frames, sample_size)
        frames = decode_frames(stored, modality, positions, count, check_frames)
        return frames, count

    def decode(stored, seed):
        features = {}
        for index, (name, modality) in enumerate(
            description.modalities.items()
        ):
            frames, num_frames = decode_modality(
                name,
                modality,
                stored[name],
                None if seed is None else _fold_in(seed, index),
                functools.partial(
                    check_finite, name, modality, ids=stored["id"]
                )
                if check
                else None,
            )
            features[name] = frames
            features[f"{name}_num_frames"] = num_frames
        return features, stored.get("labels")

    return decode


def count_frames(
    stored: tf.Tensor | tf.RaggedTensor | LocatedFrames, modality: Modality
) -> tf.Tensor:
    """Counts the frames of each clip, int32 `(batch,)`, and checks their size.

    `stored` is one modality, as `parse_records` returns it. A clip or a frame
    of a wrong number of bytes raises `tf.errors.InvalidArgumentError`.
    """
    if isinstance(stored, LocatedFrames):
        return stored.num_frames + count_frames(stored.parsed, modality)
    if isinstance(stored, tf.RaggedTensor):
        num_frames = tf.cast(stored.row_lengths(), tf.int32)
        if stored.dtype != tf.string:
            return num_frames
        rest = tf.strings.length(stored.flat_values) - modality.frame_bytes
        expected = "frames of"
    else:
        size = tf.strings.length(stored)
        num_frames = size // modality.frame_bytes
        rest = size % modality.frame_bytes
        expected = "a whole number of frames of"
    whole = tf.debugging.assert_equal(
        rest, 0, f"Expected {expected} {modality.frame_bytes} bytes."
    )
    with tf.control_dependencies([whole]):
        return tf.identity(num_frames)


def decode_all_frames(
    stored: tf.Tensor | tf.RaggedTensor,
    modality: Modality,
    num_slots: tf.Tensor | int,
    check: Check | None = None,
) -> tf.Tensor:
    """Decodes every frame, float32 `(batch, num_slots, dim)`.

    Zeros follow a clip's end; no clip has more than `num_slots` frames. The
    other arguments are those of `decode_frames`.
    """
    num_frames = count_frames(stored, modality)
    fits = tf.debugging.assert_less_equal(
        num_frames,
        num_slots,
        "Expected clips of no more frames than the manifest states.",
    )
    with tf.control_dependencies([fits]):
        num_frames = tf.identity(num_frames)
    if isinstance(stored, tf.RaggedTensor):
        rows = _decode_rows(stored.flat_values, modality)
        numbers = _spread(rows, num_frames, num_slots, modality)
    else:
        flat = _decode_raw(stored, modality, num_slots)
        numbers = tf.reshape(flat, (-1, num_slots, modality.dim))
    return _as_features(numbers, num_frames, modality, check)


def decode_frames(
    stored: tf.Tensor | tf.RaggedTensor | LocatedFrames,
    modality: Modality,
    positions: tf.Tensor,
    num_frames: tf.Tensor,
    check: Check | None = None,
) -> tf.Tensor:
    """Decodes only the frames at some positions.

    Args:
        stored: Frames of one modality, as `parse_records` or `locate_records`
            return them.
        modality: Their layout.
        positions: int32 `(batch, sample_size)`, the frames to decode; 0 for
            padding.
        num_frames: int32 `(batch,)`, number of positions that are real.
        check: Function that returns frames in their stored dtype, or fails.

    Returns:
        float32 `(batch, sample_size, dim)`, zeros for padding.
    """
    numbers = _take(stored, modality, positions, num_frames)
    return _as_features(numbers, num_frames, modality, check)


def check_finite(
    name: str, modality: Modality, frames: tf.Tensor, ids: tf.Tensor
) -> tf.Tensor:
    """Checks that frames `(batch, num_frames, dim)` are finite; returns them.

    The clips' ids, strings `(batch,)`, are named in the error, a
    `tf.errors.InvalidArgumentError`.
    """
    if modality.dtype == "uint8":
        return frames  # always finite
    finite = tf.reduce_all(tf.math.is_finite(frames), axis=[1, 2])
    check = tf.debugging.Assert(
        tf.reduce_all(finite),
        [
            f"Expected finite features of modality {name!r}. Received: NaN "
            "or infinity in the clips",
            tf.boolean_mask(ids, ~finite),
        ],
    )
    with tf.control_dependencies([check]):
        return tf.identity(frames)


def _take(stored, modality, positions, num_frames):
    """Returns the stored numbers of some frames, 0 for padding."""
    if isinstance(stored, LocatedFrames):
        size = modality.frame_bytes
        located = stored.take(positions, num_frames, size)
        parsed = stored.parsed
        count = tf.minimum(num_frames, tf.cast(parsed.row_lengths(), tf.int32))
        # Where one has a frame, the other has zeros.
        return located + _take(parsed, modality, positions, count)
    sample_size = tf.shape(positions)[1]
    real = tf.sequence_mask(num_frames, sample_size)
    if isinstance(stored, tf.RaggedTensor):
        first = stored.row_starts()[:, None]
        taken = first + tf.cast(positions, first.dtype)
        rows = tf.gather(stored.flat_values, tf.boolean_mask(taken, real))
        rows = _decode_rows(rows, modality)
        return _spread(rows, num_frames, sample_size, modality)
    size = tf.where(real, modality.frame_bytes, 0)
    rows = tf.strings.substr(
        stored[:, None], positions * modality.frame_bytes, size
    )
    return _decode_raw(rows, modality, 1)


def _decode_rows(rows, modality):
    """Returns the numbers of ragged frames, `(total, dim)`."""
    return rows if rows.dtype != tf.string else _decode_raw(rows, modality, 1)


def _spread(rows, num_frames, num_slots, modality):
    """Splits rows by clips and pads each clip."""
    ragged = tf.RaggedTensor.from_row_lengths(rows, num_frames)
    shape = tf.stack([tf.size(num_frames), num_slots, modality.dim])
    return ragged.to_tensor(shape=shape)


def _decode_raw(strings, modality, num_frames):
    """Decodes each string into the numbers of `num_frames` frames."""
    dtype = tf.as_dtype(modality.dtype)
    # Decoding with padding does not support float16.
    read_as = tf.uint16 if dtype == tf.float16 else dtype
    numbers = tf.io.decode_raw(
        strings, read_as, fixed_length=num_frames * modality.frame_bytes
    )
    return tf.bitcast(numbers, dtype)


def _as_features(numbers, num_frames, modality, check):
    """Converts stored numbers to float32 features, with zeros for padding."""
    numbers = tf.ensure_shape(numbers, (None, None, modality.dim))
    if check is not None:
        numbers = check(numbers)  # before the cast: float16 is half the size
    features = tf.cast(numbers, tf.float32)
    if modality.dtype == "uint8":
        real = tf.sequence_mask(num_frames, tf.shape(numbers)[1])
        low = tf.where(real, modality.value_range[0], 0.0)
        features = features * modality.level + low[:, :, None]
    return features
