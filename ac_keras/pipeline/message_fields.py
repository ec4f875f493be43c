"""Fields of serialized protocol buffers, found where they lie.

Nothing here is an error: what is not laid out as most writers lay it out
does not fit, and is for TensorFlow's own parsers. All work on whole batches.
A field is a tag, a size and as many bytes; tags below are field numbers of
fields that have a size.
"""

from typing import NamedTuple

import tensorflow as tf

_HEAD = 5  # bytes: a tag, and a size below 2**28 in groups of seven bits
_GROUPS = (1, 1 << 7, 1 << 14, 1 << 21)


class Field(NamedTuple):
    """A field in each message, as int32 `(batch, ...)`.

    Attributes:
        number: Its number; 0 where there is none that can be told.
        start: Where its content begins, in bytes.
        end: Where its content ends.
    """

    number: tf.Tensor
    start: tf.Tensor
    end: tf.Tensor


class Entries(NamedTuple):
    """Where a map's entries lie, as int32 `(batch, num_keys)`.

    All three are 0 where a key is missing.

    Attributes:
        begin: Where an entry begins, with its tag.
        start: Where its value's content begins.
        end: Where both end.
    """

    begin: tf.Tensor
    start: tf.Tensor
    end: tf.Tensor


def field_at(messages: tf.Tensor, offset: tf.Tensor) -> Field:
    """Reads a tag and a size.

    Args:
        messages: Strings of a shape that offset's broadcasts.
        offset: int32 `(batch, ...)`, where the tags are.
    """
    head = tf.io.decode_raw(
        substrings(messages, offset, tf.fill(tf.shape(offset), _HEAD)),
        tf.uint8,
        fixed_length=_HEAD,
    )
    tag, groups = tf.split(tf.cast(head, tf.int32), [1, _HEAD - 1], axis=-1)
    tag, more = tag[..., 0], groups // 128
    counts = tf.math.cumprod(more, axis=-1, exclusive=True)
    size = tf.reduce_sum(groups % 128 * counts * _GROUPS, axis=-1)
    start = offset + 1 + tf.reduce_sum(counts, axis=-1)
    known = (tag % 8 == 2) & (tag < 128) & tf.reduce_any(more == 0, axis=-1)
    return Field(tf.where(known, tag // 8, 0), start, start + size)


def map_entries(
    messages: tf.Tensor, start: tf.Tensor, end: tf.Tensor, keys: list[str]
) -> tuple[tf.Tensor, Entries]:
    """Finds the entries of a map of strings to messages, the map's field 1.

    Args:
        messages: Strings `(batch,)`.
        start: int32 `(batch,)`, where the map's content begins.
        end: int32 `(batch,)`, where it ends.
        keys: The keys to find.

    Returns:
        Whether all that lies there are such entries, a scalar bool; and those
        of the keys, the last one of each.
    """
    wanted = tf.constant(keys)[None]
    nowhere = tf.zeros((tf.size(messages), len(keys)), tf.int32)

    def step(fits, offset, found):
        entry = field_at(messages, offset)
        key = field_at(messages, entry.start)
        value = field_at(messages, key.end)
        sound = (entry.number == 1) & (key.number == 1) & (value.number == 2)
        sound &= (value.end == entry.end) & (entry.end <= end)
        before = offset < end
        fits = tf.reduce_all(sound | ~before)
        name = substrings(messages, key.start, key.end - key.start)
        here = (name[:, None] == wanted) & before[:, None]
        places = Entries(offset, value.start, value.end)
        found = Entries(
            *(
                tf.where(here, new[:, None], old)
                for new, old in zip(places, found, strict=True)
            )
        )
        return fits, tf.where(before, entry.end, offset), found

    fits, _, found = tf.while_loop(
        lambda fits, offset, _: fits & tf.reduce_any(offset < end),
        step,
        (tf.constant(True), start, Entries(nowhere, nowhere, nowhere)),
    )
    return fits, found


def substrings(
    messages: tf.Tensor, start: tf.Tensor, size: tf.Tensor
) -> tf.Tensor:
    """Cuts from each message what there is of some bytes.

    Args:
        messages: Strings of start's shape, or one that broadcasts to it.
        start: int32 `(batch, ...)`.
        size: int32 of the same shape.
    """
    start = tf.minimum(start, tf.strings.length(messages))
    return tf.strings.substr(messages, start, size)
