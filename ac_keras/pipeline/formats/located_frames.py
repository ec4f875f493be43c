"""Frames that lie in a batch's records, where sampling takes them from."""

import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class LocatedFrames:
    """The uint8 frames of one modality: where they are, nothing copied.

    Attributes:
        strings: Strings `(batch,)` in which they lie at equal distances.
        first: int32 `(batch,)`, where the first one's header begins.
        num_frames: int32 `(batch,)`, how many there are; 0 where a clip's
            were not located.
        header: The bytes in front of each frame.
        parsed: The frames of these clips, strings `(batch, None)`, ragged;
            none of the others.
    """

    strings: tf.Tensor
    first: tf.Tensor
    num_frames: tf.Tensor
    header: bytes
    parsed: tf.RaggedTensor

    def take(
        self, positions: tf.Tensor, num_frames: tf.Tensor, frame_bytes: int
    ) -> tf.Tensor:
        """Takes the located frames at some positions, checking their headers.

        Args:
            positions: int32 `(batch, sample_size)`; 0 where it is not real.
            num_frames: int32 `(batch,)`, how many of the positions are real.
            frame_bytes: The size of a frame.

        Returns:
            uint8 `(batch, sample_size, frame_bytes)`, 0 where a position is
            not real and in clips that were not located.
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
        sound = tf.debugging.Assert(
            tf.reduce_all(tf.reduce_all(same, axis=2) | ~real),
            [f"Expected frames of {frame_bytes} bytes."],
        )
        with tf.control_dependencies([sound]):
            return tf.identity(frames)


def entry_header(dim: int) -> bytes:
    """Gives what is in front of a frame that is an entry of a feature list.

    It is the tags and sizes of a `Feature`, its `BytesList` and the value.
    """
    header = b""
    for _ in range(3):
        header = b"\x0a" + _varint(dim + len(header)) + header
    return header


def _varint(number):
    groups = []
    while number > 127:
        groups.append(number % 128 + 128)
        number //= 128
    return bytes([*groups, number])


_HEAD = 5  # bytes: a tag, and a size below 2**28 in groups of seven bits
_GROUPS = tuple(1 << 7 * i for i in range(_HEAD - 1))


def walk_fields(
    messages: tf.Tensor, descends: list[bool]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Reads tags and sizes, each field where the one before it leads.

    Args:
        messages: Strings `(batch,)`.
        descends: For every field to read, whether the next is the first one
            in its content, else the one behind it.

    Returns:
        Tags, where contents begin and where they end, in bytes, all int32
        `(num_fields, batch)`. A tag is of one byte; it is 0 where there is
        nothing, or a size that takes more than 28 bits.
    """
    length = tf.strings.length(messages)
    head_bytes = tf.fill(tf.shape(length), _HEAD)
    into = tf.constant(descends)
    fields = tf.TensorArray(tf.int32, len(descends), element_shape=(3, None))

    # A loop, as a graph of few operations starts sooner.
    def step(index, offset, fields):
        at = tf.minimum(offset, length)
        head = tf.strings.substr(messages, at, head_bytes)
        head = tf.io.decode_raw(head, tf.uint8, fixed_length=_HEAD)
        tag, groups = tf.split(tf.cast(head, tf.int32), [1, _HEAD - 1], axis=1)
        goes_on = groups // 128
        counts = tf.math.cumprod(goes_on, axis=1, exclusive=True)
        start = offset + tf.reduce_sum(counts, axis=1) + 1
        end = start + tf.reduce_sum(groups % 128 * counts * _GROUPS, axis=1)
        tag = tf.squeeze(tag, 1) * (1 - tf.reduce_prod(goes_on, axis=1))
        fields = fields.write(index, tf.stack([tag, start, end]))
        return index + 1, tf.where(into[index], start, end), fields

    _, _, fields = tf.while_loop(
        lambda index, *_: index < len(descends),
        step,
        (0, tf.zeros_like(length), fields),
    )
    return tf.unstack(fields.stack(), axis=1)
