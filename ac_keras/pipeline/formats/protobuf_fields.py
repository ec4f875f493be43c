"""Tags and sizes of serialized protobuf messages, read in TensorFlow graphs.

Reference: https://protobuf.dev/programming-guides/encoding/
"""

import tensorflow as tf

_NUM_GROUPS = 4  # of seven bits: sizes below 2**28


def read_field(
    messages: tf.Tensor, offset: tf.Tensor, num_groups: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Reads the tag and the size of one field of messages, strings `(batch,)`.

    The fields begin at `offset`, and a size has at most `num_groups` bytes. A
    tag is read as one byte, and bytes past a message's end as 0.

    Returns:
        The tags, the first bytes of the contents and the bytes behind them,
        of the dtype of `offset`, and whether each size ended in time, bool,
        all `(batch,)`.
    """
    dtype, width = offset.dtype, 1 + num_groups
    at = tf.minimum(offset, tf.cast(tf.strings.length(messages), dtype))
    head = tf.strings.substr(messages, at, tf.ones_like(at) * width)
    head = tf.io.decode_raw(head, tf.uint8, fixed_length=width)
    head = tf.cast(head, dtype)
    tag, groups = head[:, 0], head[:, 1:]
    goes_on = groups // 128
    counts = tf.math.cumprod(goes_on, axis=1, exclusive=True)
    start = offset + 1 + tf.reduce_sum(counts, axis=1)
    weights = tf.constant([1 << 7 * i for i in range(num_groups)], dtype)
    size = tf.reduce_sum(groups % 128 * counts * weights, axis=1)
    return tag, start, start + size, tf.reduce_prod(goes_on, axis=1) == 0


def walk_fields(
    messages: tf.Tensor, descends: list[bool]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Reads a sequence of fields of messages, strings `(batch,)`.

    Where `descends`, the next field is the first one in a field's content,
    otherwise the one behind it.

    Returns:
        Tags, first bytes of contents and the bytes behind them, all int32
        `(num_fields, batch)`. A tag is 0 at a message's end and where a size
        takes more than 28 bits.
    """
    into = tf.constant(descends)
    fields = tf.TensorArray(tf.int32, len(descends), element_shape=(3, None))

    # A loop, as a graph of few operations starts sooner.
    def step(index, offset, fields):
        tag, start, end, whole = read_field(messages, offset, _NUM_GROUPS)
        tag = tf.where(whole, tag, 0)
        fields = fields.write(index, tf.stack([tag, start, end]))
        return index + 1, tf.where(into[index], start, end), fields

    _, _, fields = tf.while_loop(
        lambda index, *_: index < len(descends),
        step,
        (0, tf.zeros_like(tf.strings.length(messages)), fields),
    )
    return tf.unstack(fields.stack(), axis=1)


def encode_varint(number: int) -> bytes:
    """Encodes a number in groups of seven bits, the lowest first."""
    groups = []
    while number > 127:
        groups.append(number % 128 + 128)
        number //= 128
    return bytes([*groups, number])
