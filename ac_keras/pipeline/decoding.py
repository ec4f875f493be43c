"""From batches of serialized records to batches of features.

A batch goes through two steps. `parse_records` splits the records and leaves
every modality's frames as they are stored: as one string a clip in our own
records and in segments, else as a ragged tensor with an entry a frame, a
string or a row of floats. `decode_frames` takes the sampled frames out of
those and decodes nothing else.
"""

import functools
from collections.abc import Callable
from collections.abc import Mapping

import tensorflow as tf

from ac_keras.pipeline import sampling
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.description import Modality
from ac_keras.pipeline.formats.located_frames import LocatedFrames

Check = Callable[[tf.Tensor], tf.Tensor]


def count_frames(
    stored: tf.Tensor | tf.RaggedTensor | LocatedFrames, modality: Modality
) -> tf.Tensor:
    """Counts the frames of each clip, int32 `(batch,)`.

    A clip or a frame of a wrong number of bytes is an error.
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
    """Decodes every frame.

    Args:
        stored: A batch's frames, as `parse_records` gives them.
        modality: How they are stored.
        num_slots: Frames of the result; no clip has more.
        check: As `decode_frames` has it.

    Returns:
        float32 `(batch, num_slots, dim)`, zeros past a clip's end.
    """
    num_frames = count_frames(stored, modality)
    fits = tf.debugging.assert_less_equal(
        num_frames,
        num_slots,
        "Expected clips of no more frames than the manifest tells.",
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
    """Decodes the frames at some positions and no others.

    Args:
        stored: A batch's frames, as `parse_records` gives them.
        modality: How they are stored.
        positions: int32 `(batch, sample_size)`, the frames to take; 0 where
            a position is not real.
        num_frames: int32 `(batch,)`, how many of the positions are real.
        check: A function that gives the frames `(batch, sample_size, dim)`
            back as they are stored, or fails.

    Returns:
        float32 `(batch, sample_size, dim)`, zeros where a position is not
        real.
    """
    numbers = _take(stored, modality, positions, num_frames)
    return _as_features(numbers, num_frames, modality, check)


def _take(stored, modality, positions, num_frames):
    """Gives stored numbers of some frames, 0 where a position is not real."""
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
    """Turns entries of frames into their numbers, `(total, dim)`."""
    return rows if rows.dtype != tf.string else _decode_raw(rows, modality, 1)


def _spread(rows, num_frames, num_slots, modality):
    """Gives each clip its rows, then pads."""
    ragged = tf.RaggedTensor.from_row_lengths(rows, num_frames)
    shape = tf.stack([tf.size(num_frames), num_slots, modality.dim])
    return ragged.to_tensor(shape=shape)


def _decode_raw(strings, modality, num_frames):
    """Turns each string into the numbers of `num_frames` frames."""
    dtype = tf.as_dtype(modality.dtype)
    # Decoding with padding knows no float16.
    read_as = tf.uint16 if dtype == tf.float16 else dtype
    numbers = tf.io.decode_raw(
        strings, read_as, fixed_length=num_frames * modality.frame_bytes
    )
    return tf.bitcast(numbers, dtype)


def _as_features(numbers, num_frames, modality, check):
    """Turns stored numbers into float32 features, padding into zeros."""
    numbers = tf.ensure_shape(numbers, (None, None, modality.dim))
    if check is not None:
        numbers = check(numbers)  # float16 is half as much to look at
    features = tf.cast(numbers, tf.float32)
    if modality.dtype == "uint8":
        real = tf.sequence_mask(num_frames, tf.shape(numbers)[1])
        low = tf.where(real, modality.value_range[0], 0.0)
        features = features * modality.level + low[:, :, None]
    return features


_fold_in = tf.random.experimental.stateless_fold_in


def batch_decoder(
    description: Description,
    longest: Mapping[str, int] | None,
    sample_size: int,
    first_row: int = 0,
    num_rows: int | None = None,
    check: bool = True,
    random_draw: str = "subset",
) -> Callable[[dict[str, tf.Tensor], tf.Tensor | None], tuple]:
    """Gives a function that samples and decodes a batch of parsed records.

    Args:
        description: The dataset, with the modalities to decode.
        longest: Mapping from modality to the longest clip's frames; None
            where that is not known and each batch's own longest clip counts.
        sample_size: Frames taken from each clip and modality; 0 takes all.
        first_row: The first clip's row in the whole batch.
        num_rows: Clips in the whole batch; None where it is all there.
        check: Whether NaN and infinity are errors; else the caller looks.
        random_draw: How a seed draws: `"subset"` or `"segments"`.

    Returns:
        A function of what `parse_records` gives and of a seed, integers
        `(2,)`, or None to take frames at equal intervals. It gives features
        and labels, None where there are none.
    """

    def slots_for_all(name, num_frames):
        if longest:
            return max(longest[name], 1)
        return tf.maximum(tf.reduce_max(num_frames), 1)

    def decode_modality(name, modality, stored, seed, checked):
        num_frames = count_frames(stored, modality)
        if not sample_size or (longest and sample_size >= longest[name]):
            # All are wanted; a modality that no clip has takes one slot.
            slots = sample_size or slots_for_all(name, num_frames)
            frames = decode_all_frames(stored, modality, slots, checked)
            return frames, num_frames
        if seed is None:
            taken = sampling.equal_intervals(num_frames, sample_size)
        else:
            taken = sampling.RANDOM_DRAWS[random_draw](
                num_frames, sample_size, seed, first_row, num_rows
            )
        count = sampling.num_sampled(num_frames, sample_size)
        frames = decode_frames(stored, modality, taken, count, checked)
        return frames, count

    def decode(stored, seed):
        features = {}
        for index, (name, modality) in enumerate(
            description.modalities.items()
        ):
            own_seed = None if seed is None else _fold_in(seed, index)
            checked = None
            if check:
                checked = functools.partial(
                    check_finite, name, modality, ids=stored["id"]
                )
            frames, num_frames = decode_modality(
                name, modality, stored[name], own_seed, checked
            )
            features[name] = frames
            features[f"{name}_num_frames"] = num_frames
        return features, stored.get("labels")

    return decode


def check_finite(
    name: str, modality: Modality, frames: tf.Tensor, ids: tf.Tensor
) -> tf.Tensor:
    """Gives the frames as they are, or fails and names the clips.

    Args:
        name: The modality's name.
        modality: How it is stored.
        frames: Numbers `(batch, num_frames, dim)`, of any dtype.
        ids: Strings `(batch,)`.

    Raises:
        tf.errors.InvalidArgumentError: If a number is NaN or infinite.
    """
    if modality.dtype == "uint8":
        return frames  # It cannot be otherwise.
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
