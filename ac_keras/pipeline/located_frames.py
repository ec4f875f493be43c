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
