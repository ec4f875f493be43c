"""Batches of records whose frames are found and left where they lie.

`records.parse_records` copies every frame of a record, of which training may
then take one in fifteen. Where records are laid out as TensorFlow writes
them, the places of their frames follow from a few bytes of each.
"""

import tensorflow as tf

from ac_keras.pipeline import clip_examples
from ac_keras.pipeline import message_fields
from ac_keras.pipeline import records
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.located_frames import LocatedFrames
from ac_keras.pipeline.located_frames import entry_header
from ac_keras.pipeline.sequence_examples import split_sequences
from ac_keras.pipeline.targets import make_targets


def locate_records(
    batch: tf.Tensor | dict[str, tf.Tensor], description: Description
) -> dict[str, tf.Tensor | tf.RaggedTensor | LocatedFrames]:
    """Gives what `parse_records` does, copying no frames where it can.

    A batch with a record of another layout is parsed, and so are formats that
    are not searched. Frames of YouTube-8M's records are checked when they are
    taken, the others when they are located.

    Args:
        batch: A batch of what `records.expand_clips` gives.
        description: The dataset that they belong to.

    Returns:
        `id`, `labels` and every modality's frames.
    """
    search = {"clip": _search_clips, "youtube8m": _search_videos}.get(
        description.record_format
    )
    if search is None:
        return records.parse_records(batch, description)
    modalities = description.modalities
    headers = dict.fromkeys(modalities, b"")
    if description.record_format == "youtube8m":
        headers = {name: entry_header(x) for name, x in modalities.items()}
    fits, rest, first, num_frames = search(batch, description, headers)

    def located():
        places = {
            name: (batch, first[:, index], num_frames[:, index])
            for index, name in enumerate(modalities)
        }
        return _without_frames(rest, description), places

    def parsed():
        stored = records.parse_records(batch, description)
        places = {
            name: _relocated(stored.pop(name), modality, headers[name])
            for name, modality in modalities.items()
        }
        return stored, places

    stored, places = tf.cond(fits, located, parsed)
    for name, place in places.items():
        frame_bytes = modalities[name].frame_bytes
        stored[name] = LocatedFrames(*place, headers[name], frame_bytes)
    return stored


def _without_frames(rest, description):
    """Parses the ids and labels that are left of records."""
    if description.record_format == "clip":
        parsed = clip_examples.parse_names_and_labels(rest)
    else:
        ids, context, _ = split_sequences(rest, "id", {"labels": tf.int64}, {})
        parsed = {**ids, **context}
    labels = make_targets(parsed["labels"], parsed["id"], description)
    return {"id": parsed["id"], "labels": labels}


def _relocated(stored, modality, header):
    """Puts frames that were parsed one after the other again."""
    num_frames = records.count_frames(stored, modality)
    if isinstance(stored, tf.RaggedTensor):
        entries = tf.strings.join([header, stored.flat_values])
        stored = tf.strings.reduce_join(stored.with_values(entries), axis=1)
    return stored, tf.zeros_like(num_frames), num_frames


def _search_clips(batch, description, headers):
    """Finds the one bytes value of each modality in our own records."""
    del headers
    names = list(description.modalities)
    features = message_fields.field_at(batch, tf.zeros_like(_lengths(batch)))
    fits, entries = message_fields.map_entries(
        batch, features.start, features.end, [*names, "id", "labels"]
    )
    fits &= tf.reduce_all(
        (features.number == 1) & (features.end == _lengths(batch))
    )
    count = len(names)
    end = entries.end[:, :count]
    feature = message_fields.field_at(batch[:, None], entries.start[:, :count])
    value = message_fields.field_at(batch[:, None], feature.start)
    sound = (feature.number == 1) & (feature.end == end)
    sound &= (value.number == 1) & (value.end == end)
    size = value.end - value.start
    frame_bytes = _frame_bytes(description)
    fits &= tf.reduce_all(sound & (size % frame_bytes == 0))
    begin, end = entries.begin[:, count:], entries.end[:, count:]
    rest = message_fields.substrings(batch[:, None], begin, end - begin)
    rest = _as_field(tf.strings.reduce_join(rest, axis=1))
    return fits, rest, value.start, size // frame_bytes


def _search_videos(batch, description, headers):
    """Finds the feature list of each modality in YouTube-8M's records."""
    length = _lengths(batch)
    parts = [message_fields.field_at(batch, tf.zeros_like(length))]
    parts.append(message_fields.field_at(batch, parts[0].end))
    numbers = [part.number for part in parts]
    is_first = numbers[0] == 1  # the context, behind which the lists are
    fits = tf.reduce_all(
        (tf.where(is_first, numbers[1], numbers[0]) == 2)
        & (tf.where(is_first, numbers[0], numbers[1]) == 1)
        & (parts[1].end == length)
    )
    found, entries = message_fields.map_entries(
        batch,
        tf.where(is_first, parts[1].start, parts[0].start),
        tf.where(is_first, parts[1].end, parts[0].end),
        list(description.modalities),
    )
    expected = tf.constant(list(headers.values()))[None]
    lengths = tf.strings.length(expected)
    stride = lengths + _frame_bytes(description)
    size = entries.end - entries.start
    header = message_fields.substrings(
        batch[:, None], entries.start, tf.minimum(size, lengths)
    )
    sound = (size % stride == 0) & ((header == expected) | (size == 0))
    fits &= found & tf.reduce_all(sound)
    # The context and its tag are an example of their own.
    begin = tf.where(is_first, 0, parts[0].end)
    end = tf.where(is_first, parts[0].end, parts[1].end)
    rest = message_fields.substrings(batch, begin, end - begin)
    return fits, rest, entries.start, size // stride


def _lengths(batch):
    return tf.strings.length(batch)


def _frame_bytes(description):
    sizes = [x.frame_bytes for x in description.modalities.values()]
    return tf.constant(sizes)[None]


def _as_field(contents):
    """Puts the tag of field 1 and a size of four bytes before a message."""
    size = tf.strings.length(contents)[:, None]
    groups = size // [1, 1 << 7, 1 << 14, 1 << 21] % 128 + [128, 128, 128, 0]
    characters = tf.constant([bytes([number]) for number in range(256)])
    size = tf.strings.reduce_join(tf.gather(characters, groups), axis=1)
    return tf.strings.join(["\x0a", size, contents])
