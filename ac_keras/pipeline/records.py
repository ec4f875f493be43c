"""From batches of serialized records to batches of features.

A batch goes through two steps. `parse_records` splits the records and leaves
every modality's frames as they are stored: as one string a clip in our own
records and in segments, else as a ragged tensor with an entry a frame, a
string or a row of floats. `decode_frames` takes the sampled frames out of
those and decodes nothing else.
"""

from collections.abc import Callable

import tensorflow as tf

from ac_keras.pipeline import mediasequence
from ac_keras.pipeline import youtube8m
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.located_frames import LocatedFrames
from ac_keras.pipeline.modality import Modality
from ac_keras.pipeline.targets import make_targets

Check = Callable[[tf.Tensor], tf.Tensor]


def expand_clips(
    records: tf.data.Dataset, description: Description
) -> tf.data.Dataset:
    """Turns the records of files into elements, one a clip.

    Args:
        records: Serialized records, of one file or more.
        description: The dataset that they belong to.

    Returns:
        A dataset that can be batched, and its batches parsed by
        `parse_records`: the records themselves, or their segments.
    """
    if description.record_format == "youtube8m_segments":
        return youtube8m.expand_segments(records, description)
    return records


def parse_records(
    batch: tf.Tensor | dict[str, tf.Tensor],
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Splits a batch of clips.

    Args:
        batch: A batch of what `expand_clips` gives.
        description: The dataset that they belong to.
        labelled: Whether to read labels, and to insist on ids.
        named: Whether to read ids, as is needed with labels. Without either
            a record may hold anything under these keys.

    Returns:
        `id` (strings `(batch,)`; `""` for a clip that may lack it and does;
        its place in the batch if ids are not read), `labels` if asked for
        (int32 `(batch,)`; multi-label: float32 `(batch, num_classes)`, 1 where
        a clip has the label), and for every modality strings `(batch,)` or,
        ragged, strings `(batch, None)` or float32 `(batch, None, dim)`.
    """
    parse = {
        "clip": _parse_clips,
        "youtube8m": youtube8m.parse_videos,
        "youtube8m_segments": youtube8m.parse_segments,
        "mediasequence": mediasequence.parse_sequences,
    }[description.record_format]
    parsed = parse(batch, description, labelled, named)
    if not labelled:
        if "id" not in parsed:
            parsed["id"] = tf.strings.as_string(tf.range(tf.size(batch)))
        return parsed
    targets = make_targets(parsed["labels"], parsed["id"], description)
    return {**parsed, "labels": targets}


def _parse_clips(records, description, labelled, named):
    string = tf.io.FixedLenFeature([], tf.string)
    features = dict.fromkeys(description.modalities, string)
    if named:
        features["id"] = (
            string
            if labelled
            else tf.io.FixedLenFeature([], tf.string, default_value="")
        )
    if labelled:
        features["labels"] = tf.io.RaggedFeature(
            tf.int64, row_splits_dtype=tf.int64
        )
    return tf.io.parse_example(records, features)


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
