"""Records of YouTube-8M, read as they are.

A video is a `tf.train.SequenceExample`: in its context `id` and `labels`,
in its feature lists a modality's frames, one bytes value each. Where segments
were rated, the context has `segment_labels`, `segment_start_times` and
`segment_scores`, each an entry a rating.
"""

import tensorflow as tf

from ac_keras.pipeline.description import Description
from ac_keras.pipeline.description import Modality
from ac_keras.pipeline.formats.sequence_examples import fixed_steps
from ac_keras.pipeline.formats.sequence_examples import split_sequences

MODALITIES = {"rgb": 1024, "audio": 128}
NUM_CLASSES = 3862
# x = q * 4 / 255 + 4 / 512 - 2, as its own reader has it.
VALUE_RANGE = (-2 + 4 / 512, 2 + 4 / 512)
SEGMENT_FRAMES = 5  # at one frame a second
POSITIVE_SCORE = 0.5
_VIDEOS = 16  # split into segments at once
_MAX_START = 2**31


def quantised(dim: int) -> Modality:
    """Gives the layout of a modality of `dim` numbers in YouTube-8M."""
    return Modality(dim, "uint8", VALUE_RANGE)


def parse_videos(
    records: tf.Tensor,
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Splits a batch of serialized videos.

    Args:
        records: Strings `(batch,)`.
        description: The dataset that they belong to.
        labelled: As `parsing.parse_records` has it.
        named: The same.

    Returns:
        `id`, strings `(batch,)`; `labels`, int64 `(batch, None)`, ragged; and
        for every modality strings `(batch, None)`, one a frame.
    """
    lists = {"labels": tf.int64} if labelled else {}
    ids, labels, frames = _parse(
        records, description, lists, "id" if named else None, labelled
    )
    return {**ids, **labels, **frames}


def expand_segments(
    records: tf.data.Dataset, description: Description
) -> tf.data.Dataset:
    """Splits videos into their rated segments, each a clip.

    Args:
        records: Serialized videos.
        description: The dataset that they belong to.

    Returns:
        A dataset with an element for each distinct start of a video, in
        ascending order: scalar strings `id` (`VIDEO:START`), `labels` (those
        with a score of 0.5 or more, with spaces between) and for every
        modality the segment's frames, one after the other.
    """
    return (
        records.batch(_VIDEOS)
        .map(
            lambda batch: _segments(batch, description),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .unbatch()
    )


def parse_segments(
    segments: dict[str, tf.Tensor],
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Gives a batch of segments the form of a batch of clips.

    Args:
        segments: A batch of what `expand_segments` gives.
        description: The dataset that they belong to.
        labelled: As `parsing.parse_records` has it.
        named: The same.

    Returns:
        `id`, strings `(batch,)`; `labels`, int64 `(batch, None)`, ragged; and
        for every modality strings `(batch,)`.
    """
    del description, named
    if not labelled:
        return {key: x for key, x in segments.items() if key != "labels"}
    words = tf.strings.split(segments["labels"])
    numbers = tf.strings.to_number(words.flat_values, tf.int64)
    return {**segments, "labels": words.with_flat_values(numbers)}


def _parse(records, description, lists, id_key="id", id_required=True):
    """Gives ids, the context's lists and the frames `(batch, None)`."""
    keys = dict.fromkeys(description.modalities, tf.string)
    ids, context, steps = split_sequences(
        records, id_key, lists, keys, id_required
    )
    frames = {}
    for name in keys:
        single = fixed_steps(steps[name], 1, name)
        frames[name] = single.with_values(tf.squeeze(single.flat_values, 1))
    return ids, context, frames


def _segments(records, description):
    """Splits a batch of videos into the strings of their segments."""
    lists = {
        "segment_labels": tf.int64,
        "segment_start_times": tf.int64,
        "segment_scores": tf.float32,
    }
    ids, context, frames = _parse(records, description, lists)
    with tf.control_dependencies(_segment_checks(context)):
        starts = tf.identity(context["segment_start_times"].flat_values)
    # A key for each segment that sorts by video, then by start.
    video = context["segment_start_times"].value_rowids()
    key = video * _MAX_START + starts
    order = tf.argsort(key, stable=True)
    key, segment = tf.unique(tf.gather(key, order), tf.int64)
    video, start = key // _MAX_START, key % _MAX_START
    labels = tf.gather(context["segment_labels"].flat_values, order)
    scores = tf.gather(context["segment_scores"].flat_values, order)
    names = [tf.gather(ids["id"], video), tf.strings.as_string(start)]
    return {
        "id": tf.strings.join(names, ":"),
        "labels": _join_positive(labels, scores, segment, tf.size(key)),
        **{
            name: _cut(frames[name], video, start, modality)
            for name, modality in description.modalities.items()
        },
    }


def _segment_checks(context):
    lengths = [
        context[f"segment_{key}"].row_lengths()
        for key in ("labels", "start_times", "scores")
    ]
    message = (
        "Expected as many segment_labels, segment_start_times and "
        "segment_scores in each video."
    )
    starts = context["segment_start_times"].flat_values
    return [
        tf.debugging.assert_equal(lengths[0], lengths[1], message),
        tf.debugging.assert_equal(lengths[1], lengths[2], message),
        tf.debugging.Assert(
            tf.reduce_all((starts >= 0) & (starts < _MAX_START)),
            ["Expected segment_start_times of 0 or more. Received:", starts],
        ),
    ]


def _join_positive(labels, scores, segment, num_segments):
    """Joins each segment's labels that were found to be right."""
    positive = scores >= POSITIVE_SCORE
    chosen = tf.RaggedTensor.from_value_rowids(
        tf.strings.as_string(tf.boolean_mask(labels, positive)),
        tf.boolean_mask(segment, positive),
        tf.cast(num_segments, tf.int64),
    )
    return tf.strings.reduce_join(chosen, axis=1, separator=" ")


def _cut(frames, video, start, modality):
    """Joins each segment's frames; fewer where the video ends before it."""
    first = tf.gather(frames.row_starts(), video)
    length = tf.gather(frames.row_lengths(), video)
    begin = first + tf.minimum(start, length)
    end = first + tf.minimum(start + SEGMENT_FRAMES, length)
    cut = tf.gather(frames.flat_values, tf.ragged.range(begin, end))
    whole = tf.debugging.assert_equal(
        tf.strings.length(cut.flat_values),
        modality.frame_bytes,
        f"Expected frames of {modality.frame_bytes} bytes.",
    )
    with tf.control_dependencies([whole]):
        return tf.strings.reduce_join(cut, axis=1)
