"""Frames of YouTube-8M's records that are read from where they are stored.

Parsing copies every frame of a record, while training may sample one frame in
fifteen. In records with the layout that TensorFlow writes, the places of the
frames follow from a few bytes.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ac_keras.pipeline.formats.protobuf_fields import encode_varint
from ac_keras.pipeline.formats.protobuf_fields import walk_fields
from ac_keras.pipeline.modality import Modality

_NUM_LISTS = 2  # rgb and audio
_CONTEXT, _LISTS = 0x0A, 0x12  # tags of a SequenceExample
_ENTRY, _KEY, _VALUE = 0x0A, 0x0A, 0x12  # tags of a map


@dataclasses.dataclass(frozen=True)
class LocatedFrames:
    """The uint8 frames of one modality, not yet copied from their records.

    Attributes:
        strings: Strings `(batch,)` that hold the frames at equal distances.
        first: int32 `(batch,)`, where the first frame's header begins.
        num_frames: int32 `(batch,)`, number of frames; 0 for a clip whose
            frames were not located.
        header: The bytes in front of each frame.
        parsed: The frames of the other clips, strings `(batch, None)`,
            ragged; none for a clip whose frames were located.
    """

    strings: tf.Tensor
    first: tf.Tensor
    num_frames: tf.Tensor
    header: bytes
    parsed: tf.RaggedTensor

    def take(
        self, positions: tf.Tensor, num_frames: tf.Tensor, frame_bytes: int
    ) -> tf.Tensor:
        """Takes the located frames at some positions and checks their headers.

        Args:
            positions: int32 `(batch, sample_size)`; 0 for padding.
            num_frames: int32 `(batch,)`, number of positions that are real.
            frame_bytes: Size of a frame.

        Returns:
            uint8 `(batch, sample_size, frame_bytes)`, 0 for padding and for
            clips whose frames were not located.
        """
        length = len(self.header)
        stride = length + frame_bytes
        count = tf.minimum(num_frames, self.num_frames)
        real = tf.sequence_mask(count, tf.shape(positions)[1])
        entries = tf.strings.substr(
            self.strings[:, None],
            tf.where(real, self.first[:, None] + positions * stride, 0),
            tf.where(real, stride, 0),
        )
        entries = tf.io.decode_raw(entries, tf.uint8, fixed_length=stride)
        header, frames = tf.split(entries, [length, frame_bytes], axis=2)
        same = header == np.frombuffer(self.header, np.uint8)
        check = tf.debugging.Assert(
            tf.reduce_all(tf.reduce_all(same, axis=2) | ~real),
            [f"Expected frames of {frame_bytes} bytes."],
        )
        with tf.control_dependencies([check]):
            return tf.identity(frames)


def locate_frames(
    records: tf.Tensor,
    modalities: dict[str, Modality],
    parse: Callable[[tf.Tensor], dict],
) -> dict[str, tf.Tensor | tf.RaggedTensor | LocatedFrames]:
    """Splits a batch of videos without copying their frames.

    Frames are checked when they are taken. A record of another layout is
    parsed.

    Args:
        records: Strings `(batch,)`, serialized videos.
        modalities: Mapping from a modality's name to its layout, all uint8.
        parse: Function that parses a batch of videos, to a dict that is
            returned with `LocatedFrames` for every modality.
    """
    headers = [entry_header(x.dim) for x in modalities.values()]
    strides = [
        len(header) + modality.dim
        for header, modality in zip(headers, modalities.values(), strict=True)
    ]
    fits, context_end, first, size = _find_lists(records, list(modalities))
    fits &= tf.reduce_all(size % strides == 0, axis=1)
    # No tf.cond, which takes long to start: a context alone has no frames.
    rest = tf.where(fits, context_end, tf.strings.length(records))
    rest = tf.strings.substr(records, tf.zeros_like(rest), rest)
    stored = parse(rest)
    count = tf.where(fits[:, None], size // strides, 0)
    places = zip(
        tf.unstack(first, axis=1), tf.unstack(count, axis=1), strict=True
    )
    for name, header, (start, num_frames) in zip(
        modalities, headers, places, strict=True
    ):
        stored[name] = LocatedFrames(
            records, start, num_frames, header, stored[name]
        )
    return stored


def entry_header(dim: int) -> bytes:
    """Returns the bytes in front of a frame of `dim` bytes in a feature list.

    They are the tags and sizes of a `Feature`, its `BytesList` and the value.
    """
    header = b""
    for _ in range(3):
        header = b"\x0a" + encode_varint(dim + len(header)) + header
    return header


def _find_lists(records, names):
    """Finds each name's feature list in records of a context, then lists."""
    # The context, all lists; then of each its map's entry, its key, its value.
    descends = [False, True] + [True, False, False] * _NUM_LISTS
    tags, starts, ends = walk_fields(records, descends)
    expected = [_CONTEXT, _LISTS] + [_ENTRY, _KEY, _VALUE] * _NUM_LISTS
    as_expected = tags == tf.constant(expected)[:, None]
    length = tf.strings.length(records)
    in_lists = (_NUM_LISTS, 3, -1)
    _, key_starts, list_starts = tf.unstack(
        tf.reshape(starts[2:], in_lists), axis=1
    )
    entry_ends, key_ends, list_ends = tf.unstack(
        tf.reshape(ends[2:], in_lists), axis=1
    )
    valid = tf.reduce_all(tf.reshape(as_expected[2:], in_lists), axis=1)
    valid &= list_ends == entry_ends
    # The first list is there; behind it is the second one or nothing.
    last = tf.where(valid[1], list_ends[1], list_ends[0])
    fits = as_expected[0] & as_expected[1] & valid[0]
    fits &= (ends[1] == length) & (last == length)
    key = tf.strings.substr(
        records, tf.minimum(key_starts, length), key_ends - key_starts
    )
    here = valid[:, :, None] & (key[:, :, None] == tf.constant(names))
    # The last list of a name counts, as in all maps.
    first = tf.reduce_max(tf.where(here, list_starts[:, :, None], 0), axis=0)
    end = tf.reduce_max(tf.where(here, list_ends[:, :, None], 0), axis=0)
    # Whether records have this layout; the context's end; lists' starts, sizes.
    return fits, ends[0], first, end - first
