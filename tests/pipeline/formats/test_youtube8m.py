"""Records of YouTube-8M: videos, and rated segments as clips."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.external_records import NUM_CLASSES
from support.records.external_records import VIDEO_MODALITIES
from support.records.external_records import assert_clip
from support.records.external_records import by_id
from support.records.external_records import dequantise
from support.records.external_records import describe_videos
from support.records.external_records import draw_video
from support.records.external_records import read
from support.records.external_records import scan
from support.records.external_records import segment_record
from support.records.external_records import sequence_record
from support.records.external_records import video_record

LENGTHS = (1, 300, 24, 25, 26, 7)
LABELS = ([0], [3861, 17], [5, 6, 7], [], [17], [9])


@pytest.fixture(scope="module")
def videos():
    rng = np.random.default_rng(0)
    return [
        draw_video(rng, i, n, LABELS[i], ["audio"] if i == 4 else [])
        for i, n in enumerate(LENGTHS)
    ]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, videos):
    rng = np.random.default_rng(1)
    records = [video_record(rng, video) for video in videos]
    shards = [records[:4], records[4:]]
    directory = tmp_path_factory.mktemp("videos")
    return scan(directory, describe_videos(), train=shards)


def parse(record, **kwargs):
    description = describe_videos(**kwargs)
    parsed = parsing.parse_records(tf.constant([record]), description)
    for name, modality in description.modalities.items():
        decoding.count_frames(parsed[name], modality)
    return parsed


def parse_video(number, num_frames, labels, without=(), **kwargs):
    """Parses the record of a random video."""
    rng = np.random.default_rng(0)
    video = draw_video(rng, number, num_frames, labels, without)
    return parse(video_record(rng, video), **kwargs)


@pytest.mark.parametrize("sample_size", [0, 5, 25])
def test_evaluation_takes_frames_at_equal_intervals(
    manifest, videos, sample_size
):
    clips = read(manifest, sample_size=sample_size)
    assert list(clips) == [video["id"] for video in videos]
    for video in videos:
        features, labels = clips[video["id"]]
        assert_clip(features, video["frames"], sample_size or max(LENGTHS))
        assert labels.shape == (NUM_CLASSES,)
        assert np.flatnonzero(labels).tolist() == sorted(video["labels"])
        assert set(labels) <= {0.0, 1.0}


@pytest.mark.parametrize("in_memory", [False, True])
def test_training_draws_distinct_frames_of_each_clip(
    manifest, videos, in_memory
):
    batches = training_batches(
        manifest,
        batch_size=3,
        sample_size=20,
        in_memory=in_memory,
        with_ids=True,
    )
    clips = by_id(batches.take(2))
    assert sorted(clips) == [video["id"] for video in videos]
    for video in videos:
        features, labels = clips[video["id"]]
        assert np.flatnonzero(labels).tolist() == sorted(video["labels"])
        own = dequantise(video["frames"]["rgb"]).astype("float32")
        count, rows = features["rgb_num_frames"], features["rgb"]
        assert count == min(20, len(own))
        assert not rows[count:].any()
        distance = np.abs(rows[:count, None] - own[None]).max(axis=2)
        drawn = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < 1e-6
        assert (np.diff(drawn) > 0).all()
        assert len(own) != 300 or drawn.tolist() != list(range(20))


@pytest.mark.parametrize("labels, multi_label", [([7], False), ([7, 7], True)])
def test_labels_are_numbers_or_ones_among_zeros(labels, multi_label):
    found = parse_video(0, 2, labels, multi_label=multi_label)["labels"]
    expected = np.eye(NUM_CLASSES)[[7]] if multi_label else [7]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "labels, multi_label, message",
    [
        ([7, 8], False, "(?s)one class a clip.*vid3"),
        *(
            ([1, label], True, f"(?s)from 0 to 3861.*{label}.*vid3")
            for label in (-1, NUM_CLASSES, 2**40)
        ),
    ],
)
def test_wrong_labels_are_refused_with_their_clip(labels, multi_label, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse_video(3, 2, labels, multi_label=multi_label)


@pytest.mark.parametrize(
    "id, frames, message",
    [
        ([b"a"], [[b"12345678"], [b"1234567"]], "frames of 8 bytes"),
        (
            [b"a"],
            [[b"12345678", b"12345678"]],
            "1 values of string in each frame of 'rgb'",
        ),
        ([b"a"], [[1.0] * 8], "rgb"),
        ([], [[b"12345678"]], "one 'id' in the context"),
    ],
    ids=["size", "two values", "floats", "no id"],
)
def test_a_record_that_does_not_fit_is_refused(id, frames, message):
    rng = np.random.default_rng(0)
    record = sequence_record(rng, {"id": id}, {"rgb": frames, "audio": []})
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse(record)


def test_only_the_sampled_frames_are_decoded(monkeypatch):
    decoded, decode_raw = [], tf.io.decode_raw

    def spy(strings, *args, **kwargs):
        decoded.append(strings.shape.num_elements())
        return decode_raw(strings, *args, **kwargs)

    monkeypatch.setattr(tf.io, "decode_raw", spy)
    decoding.decode_frames(
        parse_video(0, 300, [1])["rgb"],
        describe_videos().modalities["rgb"],
        tf.constant([[0, 100, 299]]),
        tf.constant([3]),
    )
    assert decoded == [3]


def test_no_frame_is_read_when_a_batch_has_none():
    decoded = decoding.decode_frames(
        parse_video(0, 2, [1], without=list(VIDEO_MODALITIES))["rgb"],
        describe_videos().modalities["rgb"],
        tf.zeros((1, 3), tf.int32),
        tf.constant([0]),
    )
    assert decoded.shape == (1, 3, 8) and not decoded.numpy().any()


# Of each video (start, label, score); the second has no rating at all.
RATINGS = [
    [(40, 3, 1.0), (0, 7, 1.0), (40, 8, 0.0), (40, 9, 0.5), (295, 3, 0.49)],
    [],
    [(5, 3861, 1.0)],
    [(15, 2, 1.0)],
]
RATED_LENGTHS = (300, 30, 10, 18)
EXPECTED = {
    "vid0:0": [7],
    "vid0:40": [3, 9],
    "vid0:295": [],
    "vid2:5": [3861],
    "vid3:15": [2],
}


@pytest.fixture(scope="module")
def rated_videos():
    rng = np.random.default_rng(0)
    return {
        f"vid{i}": draw_video(rng, i, n, [1], ["audio"] if i == 2 else [])
        for i, n in enumerate(RATED_LENGTHS)
    }


@pytest.fixture(scope="module")
def segments(tmp_path_factory, rated_videos):
    rng = np.random.default_rng(1)
    shard = [
        segment_record(rng, video, ratings)
        for video, ratings in zip(rated_videos.values(), RATINGS, strict=True)
    ]
    return scan(
        tmp_path_factory.mktemp("rated"),
        describe_videos("youtube8m_segments"),
        train=[shard[:2], shard[2:]],
    )


def segment_frames(video, start):
    return {n: x[start : start + 5] for n, x in video["frames"].items()}


@pytest.mark.parametrize("sample_size", [2, 5, 8])
def test_each_start_is_a_clip_of_five_frames_labelled_as_rated_a_half_or_more(
    segments, rated_videos, sample_size
):
    found = read(segments, sample_size=sample_size)
    labels = {id: np.flatnonzero(x).tolist() for id, (_, x) in found.items()}
    assert list(labels.items()) == list(EXPECTED.items())
    for id, (features, _) in found.items():
        name, start = id.split(":")
        frames = segment_frames(rated_videos[name], int(start))
        assert_clip(features, frames, sample_size)


def test_the_manifest_counts_segments(segments, rated_videos):
    split = segments.split("train")
    assert [shard.num_clips for shard in split.shards] == [3, 2]
    assert split.max_num_frames == {"rgb": 5, "audio": 5}
    assert split.num_absent == {"rgb": 0, "audio": 1}
    assert np.flatnonzero(split.class_counts).tolist() == [2, 3, 7, 9, 3861]
    frames = [
        segment_frames(rated_videos[name], int(start))["rgb"]
        for name, start in (id.split(":") for id in EXPECTED)
    ]
    expected = dequantise(np.concatenate(frames)).mean(axis=0)
    mean = split.mean_features["rgb"]
    np.testing.assert_allclose(mean, expected, atol=1e-6)


@pytest.mark.parametrize("in_memory", [False, True])
def test_training_sees_every_segment_in_an_epoch(segments, in_memory):
    batches = training_batches(
        segments, batch_size=1, sample_size=3, in_memory=in_memory
    )
    steps = steps_per_epoch(segments, "train", 1)
    seen = [
        np.flatnonzero(labels).tolist()
        for _, labels in batches.take(steps).as_numpy_iterator()
    ]
    assert sorted(seen) == sorted(EXPECTED.values())


def test_videos_of_many_batches_keep_their_order(tmp_path):
    rng = np.random.default_rng(0)
    shard = [
        segment_record(rng, draw_video(rng, i, 20, []), [(i % 9, i, 1.0)])
        for i in range(40)
    ]
    description = describe_videos("youtube8m_segments")
    segments = scan(tmp_path, description, train=[shard])
    assert list(read(segments)) == [f"vid{i}:{i % 9}" for i in range(40)]


@pytest.mark.parametrize(
    "starts, labels, message",
    [([0, 5], [1], "as many segment"), ([-5, 0], [1, 2], "of 0 or more")],
)
def test_wrong_ratings_are_refused(starts, labels, message):
    rng = np.random.default_rng(0)
    record = video_record(
        rng,
        draw_video(rng, 0, 9, []),
        segment_start_times=starts,
        segment_labels=labels,
        segment_scores=[1.0, 1.0],
    )
    records = tf.data.Dataset.from_tensors(tf.constant(record))
    description = describe_videos("youtube8m_segments")
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(parsing.expand_clips(records, description))
