"""Frame-level records of YouTube-8M, read as they are."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import decoding
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import parsing
from ac_keras.pipeline import training_batches
from support.records.foreign_datasets import NUM_CLASSES
from support.records.foreign_datasets import assert_clip
from support.records.foreign_datasets import describe_videos
from support.records.foreign_datasets import read
from support.records.foreign_datasets import scan
from support.records.foreign_records import VIDEO_MODALITIES
from support.records.foreign_records import dequantise
from support.records.foreign_records import draw_video
from support.records.foreign_records import sequence_record
from support.records.foreign_records import video_record

LENGTHS = (1, 300, 24, 25, 26, 7)
LABELS = ([0], [3861, 17], [5, 6, 7], [], [17], [9])


def draw_videos(seed=0):
    rng = np.random.default_rng(seed)
    return [
        draw_video(rng, i, n, LABELS[i], ["audio"] if i == 4 else [])
        for i, n in enumerate(LENGTHS)
    ]


def to_records(videos, seed=1):
    rng = np.random.default_rng(seed)
    return [video_record(rng, video) for video in videos]


@pytest.fixture(scope="module")
def videos():
    return draw_videos()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, videos):
    decoding = to_records(videos)
    shards = [decoding[:4], decoding[4:]]
    directory = tmp_path_factory.mktemp("videos")
    return scan(directory, describe_videos(), train=shards)


def parse(record, **kwargs):
    description = describe_videos(**kwargs)
    parsed = parsing.parse_records(tf.constant([record]), description)
    for name, modality in description.modalities.items():
        decoding.count_frames(parsed[name], modality)
    return parsed


def assert_refused(record, message, **kwargs):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse(record, **kwargs)


@pytest.mark.parametrize("sample_size", [5, 25])
def test_evaluation_takes_frames_at_equal_intervals(
    manifest, videos, sample_size
):
    clips = read(manifest, sample_size=sample_size)
    assert list(clips) == [video["id"] for video in videos]
    for video in videos:
        features, _ = clips[video["id"]]
        assert_clip(features, video["frames"], sample_size)


def test_all_frames_of_the_longest_are_read(manifest, videos):
    clips = read(manifest)
    for video in videos:
        features, _ = clips[video["id"]]
        assert features["rgb"].shape == (300, 8)
        count = len(video["frames"]["rgb"])
        expected = dequantise(video["frames"]["rgb"])
        np.testing.assert_allclose(features["rgb"][:count], expected, atol=1e-6)
        assert not features["rgb"][count:].any()


def test_labels_are_ones_among_zeros(manifest, videos):
    clips = read(manifest)
    for video in videos:
        _, labels = clips[video["id"]]
        assert labels.shape == (NUM_CLASSES,)
        assert np.flatnonzero(labels).tolist() == sorted(video["labels"])
        assert set(labels) <= {0.0, 1.0}


def test_a_video_without_audio_has_no_frames_of_it(manifest, videos):
    features, _ = read(manifest, sample_size=5)["vid4"]
    assert features["audio_num_frames"] == 0
    assert not features["audio"].any()
    assert features["rgb_num_frames"] == 5


@pytest.mark.parametrize("in_memory", [False, True])
def test_training_draws_distinct_frames_of_each_clip(
    manifest, videos, in_memory
):
    batches = training_batches(
        manifest, batch_size=3, sample_size=20, in_memory=in_memory
    )
    seen = {}
    for features, labels in batches.take(2).as_numpy_iterator():
        for row, label in enumerate(labels):
            count = features["rgb_num_frames"][row]
            (video,) = (
                video
                for video in videos
                if sorted(video["labels"]) == np.flatnonzero(label).tolist()
            )
            own = dequantise(video["frames"]["rgb"]).astype("float32")
            rows = features["rgb"][row]
            distance = np.abs(rows[:count, None] - own[None]).max(axis=2)
            drawn = distance.argmin(axis=1)
            assert distance.min(axis=1).max() < 1e-6
            assert (np.diff(drawn) > 0).all()
            assert count == min(20, len(own))
            assert not rows[count:].any()
            seen[video["id"]] = drawn.tolist()
    assert sorted(seen) == [video["id"] for video in videos]
    assert seen["vid1"] != list(range(20))


def test_one_modality_can_be_read_alone(manifest, videos):
    batches = evaluation_batches(
        manifest, "train", batch_size=6, sample_size=5, modalities=["audio"]
    )
    ((features, _),) = batches.as_numpy_iterator()
    assert sorted(features) == ["audio", "audio_num_frames"]
    assert features["audio"].shape == (6, 5, 4)
    assert features["audio_num_frames"].tolist() == [1, 5, 5, 5, 0, 5]


def test_a_single_label_dataset_has_labels_as_numbers():
    rng = np.random.default_rng(0)
    record = video_record(rng, draw_video(rng, 0, 2, [7]))
    assert parse(record, multi_label=False)["labels"].numpy().tolist() == [7]


def test_two_labels_of_a_single_label_dataset_are_refused():
    rng = np.random.default_rng(0)
    record = video_record(rng, draw_video(rng, 0, 2, [7, 8]))
    message = "(?s)one class a clip.*vid0"
    assert_refused(record, message, multi_label=False)


@pytest.mark.parametrize("label", [-1, NUM_CLASSES, 2**40])
def test_a_label_out_of_range_is_refused_with_its_clip(label):
    rng = np.random.default_rng(0)
    record = video_record(rng, draw_video(rng, 3, 2, [1, label]))
    assert_refused(record, f"(?s)from 0 to 3861.*{label}.*vid3")


def test_a_label_given_twice_counts_once():
    rng = np.random.default_rng(0)
    record = video_record(rng, draw_video(rng, 0, 2, [7, 7]))
    assert parse(record)["labels"].numpy().max() == 1.0


def test_a_frame_of_another_size_is_refused():
    rng = np.random.default_rng(0)
    frames = [[b"12345678"], [b"1234567"]]
    record = sequence_record(rng, {"id": [b"a"]}, {"rgb": frames})
    assert_refused(record, "frames of 8 bytes")


def test_two_values_in_a_frame_are_refused():
    rng = np.random.default_rng(0)
    frames = [[b"12345678", b"12345678"]]
    record = sequence_record(rng, {"id": [b"a"]}, {"rgb": frames})
    assert_refused(record, "1 values of string in each frame of 'rgb'")


def test_frames_of_floats_are_refused_by_their_key():
    rng = np.random.default_rng(0)
    record = sequence_record(rng, {"id": [b"a"]}, {"rgb": [[1.0] * 8]})
    assert_refused(record, "rgb")


def test_a_record_without_an_id_is_refused():
    rng = np.random.default_rng(0)
    record = video_record(rng, draw_video(rng, 0, 2, [1]), id=[])
    assert_refused(record, "one 'id' in the context")


def test_only_the_sampled_frames_are_decoded(monkeypatch):
    rng = np.random.default_rng(0)
    parsed = parse(video_record(rng, draw_video(rng, 0, 300, [1])))
    decoded, decode_raw = [], tf.io.decode_raw

    def spy(strings, *args, **kwargs):
        decoded.append(strings.shape.num_elements())
        return decode_raw(strings, *args, **kwargs)

    monkeypatch.setattr(tf.io, "decode_raw", spy)
    decoding.decode_frames(
        parsed["rgb"],
        describe_videos().modalities["rgb"],
        tf.constant([[0, 100, 299]]),
        tf.constant([3]),
    )
    assert decoded == [3]


def test_no_frame_is_read_when_a_batch_has_none():
    rng = np.random.default_rng(0)
    without = list(VIDEO_MODALITIES)
    parsed = parse(video_record(rng, draw_video(rng, 0, 2, [1], without)))
    modality = describe_videos().modalities["rgb"]
    decoded = decoding.decode_frames(
        parsed["rgb"], modality, tf.zeros((1, 3), tf.int32), tf.constant([0])
    )
    assert decoded.shape == (1, 3, 8) and not decoded.numpy().any()
