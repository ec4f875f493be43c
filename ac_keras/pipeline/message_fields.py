"""Fields of serialized protocol buffers, found where they lie."""

import tensorflow as tf

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
