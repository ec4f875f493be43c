"""Batches of YouTube-8M's records whose frames are left where they lie.

Parsing copies every frame of a record, of which training may then take one in
fifteen. Where records are laid out as TensorFlow writes them, the places of
their frames follow from a few bytes of each.
"""

from collections.abc import Mapping

import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.formats import youtube8m
from ac_keras.pipeline.formats.located_frames import LocatedFrames
from ac_keras.pipeline.formats.located_frames import entry_header
from ac_keras.pipeline.formats.located_frames import walk_fields

_CONTEXT, _LISTS = 0x0A, 0x12  # tags of a SequenceExample
_ENTRY, _KEY, _VALUE = 0x0A, 0x0A, 0x12  # tags of a map


def can_locate(
    description: Description, longest: Mapping[str, int], sample_size: int
) -> bool:
    """Tells whether frames can be located and at least half be left out."""
    modalities = description.modalities
    return description.record_format == "youtube8m" and all(
        x.dtype == "uint8" and 0 < sample_size <= longest[name] / 2
        for name, x in modalities.items()
    )


def locate_videos(
    batch: tf.Tensor, description: Description
) -> dict[str, tf.Tensor | LocatedFrames]:
    """Gives what `parsing.parse_records` does, copying no frames.

    Frames are checked when they are taken. A record of another layout is
    parsed.

    Args:
        batch: Strings `(batch,)`, serialized videos.
        description: The dataset that they belong to.

    Returns:
        `id`, `labels` and every modality's frames.
    """
    modalities = description.modalities
    headers = [entry_header(x.dim) for x in modalities.values()]
    strides = [
        len(header) + modality.dim
        for header, modality in zip(headers, modalities.values(), strict=True)
    ]
    fits, context_end, first, size = _find_lists(batch, list(modalities))
    fits &= tf.reduce_all(size % strides == 0, axis=1)
    # No tf.cond, which takes long to start: a context alone has no frames.
    rest = tf.where(fits, context_end, tf.strings.length(batch))
    rest = tf.strings.substr(batch, tf.zeros_like(rest), rest)
    stored = parsing.parse_records(rest, description)
    count = tf.where(fits[:, None], size // strides, 0)
    places = zip(
        tf.unstack(first, axis=1), tf.unstack(count, axis=1), strict=True
    )
    for name, header, (start, num_frames) in zip(
        modalities, headers, places, strict=True
    ):
        stored[name] = LocatedFrames(
            batch, start, num_frames, header, stored[name]
        )
    return stored


def _find_lists(batch, names):
    """Finds each name's feature list in records of a context, then lists.

    Gives whether a record is such, with a list or two, bool `(batch,)`; the
    context's end, int32 `(batch,)`; where a name's list begins and its size,
    int32 `(batch, num_names)`, 0 without one.
    """
    num_lists = len(youtube8m.MODALITIES)
    # The context, all lists; then of each its map's entry, its key, its value.
    descends = [False, True] + [True, False, False] * num_lists
    tags, starts, ends = walk_fields(batch, descends)
    expected = [_CONTEXT, _LISTS] + [_ENTRY, _KEY, _VALUE] * num_lists
    as_expected = tags == tf.constant(expected)[:, None]
    length = tf.strings.length(batch)
    in_lists = (num_lists, 3, -1)
    _, key_starts, list_starts = tf.unstack(
        tf.reshape(starts[2:], in_lists), axis=1
    )
    entry_ends, key_ends, list_ends = tf.unstack(
        tf.reshape(ends[2:], in_lists), axis=1
    )
    sound = tf.reduce_all(tf.reshape(as_expected[2:], in_lists), axis=1)
    sound &= list_ends == entry_ends
    # The first list is there; behind it is the second one or nothing.
    last = tf.where(sound[1], list_ends[1], list_ends[0])
    fits = as_expected[0] & as_expected[1] & sound[0]
    fits &= (ends[1] == length) & (last == length)
    key = tf.strings.substr(
        batch, tf.minimum(key_starts, length), key_ends - key_starts
    )
    here = sound[:, :, None] & (key[:, :, None] == tf.constant(names))
    # The last one of a name counts, as in all maps.
    first = tf.reduce_max(tf.where(here, list_starts[:, :, None], 0), axis=0)
    end = tf.reduce_max(tf.where(here, list_ends[:, :, None], 0), axis=0)
    return fits, ends[0], first, end - first
