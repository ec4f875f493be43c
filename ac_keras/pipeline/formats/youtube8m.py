"""Records of YouTube-8M.

A video is a `tf.train.SequenceExample`. Its context has `id` and `labels`. The
feature list of a modality has a bytes value for each frame. The context of a
video with rated segments has `segment_labels`, `segment_start_times` and
`segment_scores`, with an entry for each rating.
"""

import tensorflow as tf

from ac_keras.pipeline.formats.located_frames import locate_frames
from ac_keras.pipeline.formats.record_format import RecordFormat
from ac_keras.pipeline.formats.sequence_examples import fixed_steps
from ac_keras.pipeline.formats.sequence_examples import split_sequences
from ac_keras.pipeline.modality import Modality

MODALITIES = {"rgb": 1024, "audio": 128}
NUM_CLASSES = 3862
# x = q * 4 / 255 + 4 / 512 - 2, as in the reader of YouTube-8M's starter code.
VALUE_RANGE = (-2 + 4 / 512, 2 + 4 / 512)
SEGMENT_FRAMES = 5  # at one frame a second
POSITIVE_SCORE = 0.5
_VIDEOS = 16  # split into segments at once
_MAX_START = 2**31


def quantised(dim: int) -> Modality:
    """Returns the layout of a modality of YouTube-8M with `dim` features."""
    return Modality(dim, "uint8", VALUE_RANGE)


class YouTube8MVideos(RecordFormat):
    """Reads one clip, a video, from each record of YouTube-8M."""

    def parse(self, batch, labelled=True, named=True):
        """Implements `RecordFormat.parse`."""
        lists = {"labels": tf.int64} if labelled else {}
        ids, labels, frames = _parse(
            batch, self.modalities, lists, "id" if named else None, labelled
        )
        return {**ids, **labels, **frames}

    def locate(self, batch):
        """Implements `RecordFormat.locate`."""
        if any(x.dtype != "uint8" for x in self.modalities.values()):
            return self.parse(batch)
        return locate_frames(batch, self.modalities, self.parse)


class YouTube8MSegments(RecordFormat):
    """Reads a clip from each rated segment of a record of YouTube-8M."""

    def expand(self, records):
        """Splits serialized videos into their rated segments.

        Args:
            records: Scalar strings, serialized videos.

        Returns:
            A dataset with an element for each distinct start in a video, in
            ascending order: scalar strings `id` (`VIDEO:START`), `labels`
            (those with a score of 0.5 or more, separated by spaces) and, for
            every modality, the concatenated frames of the segment.
        """
        return (
            records.batch(_VIDEOS)
            .map(
                lambda batch: _segments(batch, self.modalities),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .unbatch()
        )

    def parse(self, batch, labelled=True, named=True):
        """Implements `RecordFormat.parse`."""
        if not labelled:
            return {key: x for key, x in batch.items() if key != "labels"}
        words = tf.strings.split(batch["labels"])
        numbers = tf.strings.to_number(words.flat_values, tf.int64)
        return {**batch, "labels": words.with_flat_values(numbers)}


def _parse(records, modalities, lists, id_key="id", id_required=True):
    """Returns ids, lists of the context and frames, strings `(batch, None)`."""
    keys = dict.fromkeys(modalities, tf.string)
    ids, context, steps = split_sequences(
        records, id_key, lists, keys, id_required
    )
    frames = {}
    for name in keys:
        single = fixed_steps(steps[name], 1, name)
        frames[name] = single.with_values(tf.squeeze(single.flat_values, 1))
    return ids, context, frames


def _segments(records, modalities):
    """Splits a batch of videos into the strings of their segments."""
    lists = {
        "segment_labels": tf.int64,
        "segment_start_times": tf.int64,
        "segment_scores": tf.float32,
    }
    ids, context, frames = _parse(records, modalities, lists)
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
            for name, modality in modalities.items()
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
    """Joins the labels of each segment whose score is positive."""
    positive = scores >= POSITIVE_SCORE
    chosen = tf.RaggedTensor.from_value_rowids(
        tf.strings.as_string(tf.boolean_mask(labels, positive)),
        tf.boolean_mask(segment, positive),
        tf.cast(num_segments, tf.int64),
    )
    return tf.strings.reduce_join(chosen, axis=1, separator=" ")


def _cut(frames, video, start, modality):
    """Joins the frames of each segment; fewer at the end of a video."""
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
