"""Segment-level records of YouTube-8M: each rated segment is a clip."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.foreign_datasets import assert_clip
from support.records.foreign_datasets import describe_videos
from support.records.foreign_datasets import read
from support.records.foreign_datasets import scan
from support.records.foreign_records import draw_video
from support.records.foreign_records import segment_record
from support.records.foreign_records import video_record

# Of each video (start, label, score); the second has no rating at all.
RATINGS = [
    [(40, 3, 1.0), (0, 7, 1.0), (40, 8, 0.0), (40, 9, 0.5), (295, 3, 0.49)],
    [],
    [(5, 3861, 1.0)],
    [(15, 2, 1.0)],
]
LENGTHS = (300, 30, 10, 18)
EXPECTED = {
    "vid0:0": [7],
    "vid0:40": [3, 9],
    "vid0:295": [],
    "vid2:5": [3861],
    "vid3:15": [2],
}


@pytest.fixture(scope="module")
def videos():
    rng = np.random.default_rng(0)
    return {
        f"vid{i}": draw_video(rng, i, n, [1], ["audio"] if i == 2 else [])
        for i, n in enumerate(LENGTHS)
    }


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, videos):
    rng = np.random.default_rng(1)
    shard = [
        segment_record(rng, video, ratings)
        for video, ratings in zip(videos.values(), RATINGS, strict=True)
    ]
    return scan(
        tmp_path_factory.mktemp("segments"),
        describe_videos("youtube8m_segments"),
        train=[shard[:2], shard[2:]],
    )


def expand(record):
    description = describe_videos("youtube8m_segments")
    serialized = tf.data.Dataset.from_tensors(tf.constant(record))
    return list(parsing.expand_clips(serialized, description))


def segment_frames(video, start):
    return {n: x[start : start + 5] for n, x in video["frames"].items()}


def test_every_distinct_start_is_a_clip_in_order(manifest):
    assert list(read(manifest)) == list(EXPECTED)


def test_labels_are_those_rated_at_least_a_half(manifest):
    found = {
        id: np.flatnonzero(labels).tolist()
        for id, (_, labels) in read(manifest).items()
    }
    assert found == EXPECTED


@pytest.mark.parametrize("sample_size", [2, 5, 8])
def test_frames_are_five_from_the_start_on(manifest, videos, sample_size):
    for id, (features, _) in read(manifest, sample_size=sample_size).items():
        name, start = id.split(":")
        frames = segment_frames(videos[name], int(start))
        assert_clip(features, frames, sample_size)


def test_a_segment_that_the_video_ends_in_is_shorter(manifest):
    features, _ = read(manifest)["vid3:15"]
    assert features["rgb_num_frames"] == 3


def test_the_manifest_counts_segments(manifest):
    split = manifest.split("train")
    assert [shard.num_clips for shard in split.shards] == [3, 2]
    assert split.max_num_frames == {"rgb": 5, "audio": 5}
    assert split.num_absent == {"rgb": 0, "audio": 1}
    assert np.flatnonzero(split.class_counts).tolist() == [2, 3, 7, 9, 3861]


def test_the_mean_is_that_of_the_segments_frames(manifest, videos):
    frames = [
        segment_frames(videos[name], int(start))["rgb"]
        for name, start in (id.split(":") for id in EXPECTED)
    ]
    levels = np.concatenate(frames).astype("float64").mean(axis=0)
    expected = levels * 4 / 255 + 4 / 512 - 2
    mean = manifest.split("train").mean_features["rgb"]
    np.testing.assert_allclose(mean, expected, atol=1e-6)


@pytest.mark.parametrize("in_memory", [False, True])
def test_training_sees_every_segment_in_an_epoch(manifest, in_memory):
    batches = training_batches(
        manifest, batch_size=1, sample_size=3, in_memory=in_memory
    )
    steps = steps_per_epoch(manifest, "train", 1)
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
    manifest = scan(tmp_path, description, train=[shard])
    assert list(read(manifest)) == [f"vid{i}:{i % 9}" for i in range(40)]


def test_lists_of_different_lengths_are_refused():
    rng = np.random.default_rng(0)
    record = video_record(
        rng,
        draw_video(rng, 0, 9, []),
        segment_start_times=[0, 5],
        segment_labels=[1],
        segment_scores=[1.0, 1.0],
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many segment"):
        expand(record)


def test_a_start_before_the_video_is_refused():
    rng = np.random.default_rng(0)
    record = segment_record(rng, draw_video(rng, 0, 9, []), [(-5, 1, 1.0)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="of 0 or more"):
        expand(record)
