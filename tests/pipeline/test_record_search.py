"""Frames taken from where they lie are those that parsing gives."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import encode_clip
from ac_keras.pipeline import record_search
from ac_keras.pipeline import records
from ac_keras.pipeline import sampling
from ac_keras.pipeline.batch_decoder import batch_decoder
from drawn_dataset import THREE
from drawn_dataset import describe
from drawn_dataset import draw_clip
from foreign_datasets import describe_videos
from foreign_records import draw_video
from foreign_records import sequence_record
from foreign_records import video_record

SEED = (3, 4)
UNKNOWN_FIELD = b"\x78\x01"  # number 15, as a later version may have it
LENGTHS = (7, 0, 31, 3, 12)
each_sample_size = pytest.mark.parametrize("sample_size", [0, 3, 20])


def clip_batch(lengths=LENGTHS):
    """Our own records, with names and labels of many lengths."""
    description = describe(THREE, multi_label=True)
    rng = np.random.default_rng(0)
    clips = [
        draw_clip(rng, description, "name" * 11**i, longest=n)
        for i, n in enumerate(lengths)
    ]
    examples = [encode_clip(clip, description) for clip in clips]
    strings = [x.SerializeToString(deterministic=True) for x in examples]
    return tf.constant(strings), description


def video_batch(lengths=LENGTHS, without=()):
    """YouTube-8M's records, each with its keys in another order."""
    rng = np.random.default_rng(1)
    videos = [
        video_record(rng, draw_video(rng, i, n, range(i, 3 * i), without))
        for i, n in enumerate(lengths)
    ]
    return tf.constant(videos), describe_videos()


def features_of(stored, description, sample_size):
    decode = batch_decoder(description, None, sample_size)
    features, labels = decode(stored, tf.constant(SEED))
    return {**features, "id": stored["id"], "labels": labels}


def assert_same(batch, description, sample_size):
    """Compares both ways to features and gives what was located."""
    located = record_search.locate_records(batch, description)
    parsed = records.parse_records(batch, description)
    found = features_of(located, description, sample_size)
    expected = features_of(parsed, description, sample_size)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert np.abs(found["audio"]).max() > 0
    return located


def is_copied(located, batch):
    strings = located["rgb"].strings.numpy().tolist()
    return strings != batch.numpy().tolist()


@each_sample_size
@pytest.mark.parametrize("make_batch", [clip_batch, video_batch])
def test_frames_lie_in_the_records_and_are_what_parsing_gives(
    make_batch, sample_size
):
    batch, description = make_batch()
    located = assert_same(batch, description, sample_size)
    assert not is_copied(located, batch)


@pytest.mark.parametrize("make_batch", [clip_batch, video_batch])
def test_some_modalities_are_found_among_others(make_batch):
    batch, description = make_batch()
    chosen = description.select(["audio"])
    located = record_search.locate_records(batch, chosen)
    assert set(located) == {"id", "labels", "audio"}
    for name, value in features_of(located, chosen, 3).items():
        whole = records.parse_records(batch, chosen)
        expected = features_of(whole, chosen, 3)[name]
        np.testing.assert_array_equal(value, expected)


def test_videos_that_lack_a_feature_list_have_no_frames_of_it():
    batch, description = video_batch(without=("audio",))
    located = record_search.locate_records(batch, description)
    assert located["audio"].num_frames.numpy().tolist() == [0] * len(LENGTHS)
    assert located["rgb"].num_frames.numpy().tolist() == list(LENGTHS)
    assert not is_copied(located, batch)


@each_sample_size
@pytest.mark.parametrize("make_batch", [clip_batch, video_batch])
def test_a_batch_with_a_record_of_another_layout_is_parsed(
    make_batch, sample_size
):
    batch, description = make_batch()
    odd = batch[2] + UNKNOWN_FIELD
    batch = tf.concat([batch[:2], odd[None], batch[3:]], 0)
    located = assert_same(batch, description, sample_size)
    assert is_copied(located, batch)


def test_a_record_that_lacks_a_modality_is_the_parsers_error():
    batch, description = clip_batch()
    described = describe({**THREE, "depth": THREE["rgb"]}, multi_label=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="depth"):
        record_search.locate_records(batch, described)


@pytest.mark.parametrize("size", [7, 9])
def test_frames_of_another_size_are_an_error(size):
    lists = {"rgb": [[bytes(8)], [bytes(size)]], "audio": [[bytes(4)]] * 2}
    record = sequence_record(np.random.default_rng(0), {"id": [b"a"]}, lists)
    with pytest.raises(tf.errors.InvalidArgumentError, match="of 8 bytes"):
        record_search.locate_records(tf.constant([record]), describe_videos())


def test_sizes_that_only_sum_up_are_an_error_once_frames_are_taken():
    lists = {"rgb": [[bytes(8)], [bytes(7)], [bytes(9)]], "audio": []}
    record = sequence_record(np.random.default_rng(0), {"id": [b"a"]}, lists)
    description = describe_videos()
    located = record_search.locate_records(tf.constant([record]), description)
    count = located["rgb"].num_frames
    assert count.numpy().tolist() == [3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="of 8 bytes"):
        located["rgb"].take(sampling.equal_intervals(count, 3), count)
