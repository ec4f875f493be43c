"""Frames that lie in a batch's records, where sampling takes them from."""

import dataclasses

import tensorflow as tf

from ac_keras.pipeline.modality import Modality


@dataclasses.dataclass(frozen=True)
class LocatedFrames:
    """The frames of one modality: where they are, nothing copied or decoded.

    Attributes:
        strings: Strings `(batch,)` in which they lie at equal distances.
        first: int32 `(batch,)`, where the first one's header begins.
        num_frames: int32 `(batch,)`, how many there are.
        header: The bytes in front of each of them.
        frame_bytes: The bytes of each of them.
    """

    strings: tf.Tensor
    first: tf.Tensor
    num_frames: tf.Tensor
    header: bytes
    frame_bytes: int

    def take(self, positions: tf.Tensor, num_frames: tf.Tensor) -> tf.Tensor:
        """Cuts out the frames at some positions, checking their headers.

        Args:
            positions: int32 `(batch, sample_size)`.
            num_frames: int32 `(batch,)`, how many of the positions are real.

        Returns:
            Strings `(batch, sample_size)`, empty where a position is not
            real.
        """
        real = tf.sequence_mask(num_frames, tf.shape(positions)[1])
        stride = len(self.header) + self.frame_bytes
        offset = self.first[:, None] + tf.where(real, positions * stride, 0)
        strings = self.strings[:, None]
        if self.header:
            size = tf.where(real, len(self.header), 0)
            headers = tf.strings.substr(strings, offset, size)
            sound = tf.debugging.Assert(
                tf.reduce_all((headers == self.header) | ~real),
                [f"Expected frames of {self.frame_bytes} bytes."],
            )
            with tf.control_dependencies([sound]):
                offset = offset + size
        size = tf.where(real, self.frame_bytes, 0)
        return tf.strings.substr(strings, offset, size)

    def take_all(self, num_slots: tf.Tensor | int) -> tf.Tensor:
        """Cuts out every frame, strings `(batch, num_slots)`."""
        slots = tf.range(num_slots)[None]
        shape = tf.stack([tf.size(self.num_frames), num_slots])
        return self.take(tf.broadcast_to(slots, shape), self.num_frames)


def entry_header(modality: Modality) -> bytes:
    """Gives what is in front of a frame that is an entry of a feature list.

    It is the tags and sizes of a `Feature`, its `BytesList` and the value.
    """
    header, size = b"", modality.frame_bytes
    for _ in range(3):
        header = b"\x0a" + _varint(size) + header
        size = modality.frame_bytes + len(header)
    return header


def _varint(number):
    groups = []
    while number > 127:
        groups.append(number % 128 + 128)
        number //= 128
    return bytes([*groups, number])
