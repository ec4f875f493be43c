"""Frames taken from where they lie are those that parsing gives."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.formats import frame_search
from ac_keras.pipeline.formats.located_frames import LocatedFrames
from ac_keras.pipeline.formats.located_frames import entry_header
from support.records.foreign_datasets import describe_videos
from support.records.foreign_records import draw_video
from support.records.foreign_records import sequence_record
from support.records.foreign_records import video_record
from support.records.odd_records import damage
from support.records.odd_records import draw_record

SAMPLE_SIZE = 3
ALL = 20  # more frames than an odd record has
LENGTHS = (7, 0, 31, 3, 12)
BROKEN = tf.errors.InvalidArgumentError
UNKNOWN_FIELD = b"\x78\x01"  # number 15, as a later version may have it
DESCRIPTION = describe_videos()


def context_first(record):
    """Draws a record until its lists come last, as TensorFlow has them."""
    return next(x for x in iter(record, None) if x[:1] == b"\x0a")


def video_batch(without=()):
    """Videos, each with its keys in another order."""
    rng = np.random.default_rng(1)
    return [
        context_first(
            lambda i=i, n=n: video_record(
                rng, draw_video(rng, i, n, range(i, 3 * i), without)
            )
        )
        for i, n in enumerate(LENGTHS)
    ]


def features_of(find, batch, description=DESCRIPTION, size=SAMPLE_SIZE):
    decode = batch_decoder(description, {"rgb": 99, "audio": 99}, size)
    stored = find(tf.constant(batch), description)
    features, labels = decode(stored, tf.constant((3, 4)))
    return {**features, "id": stored["id"], "labels": labels}


def assert_same(batch, description=DESCRIPTION):
    found = features_of(frame_search.locate_videos, batch, description)
    expected = features_of(parsing.parse_records, batch, description)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    return found


def num_located(batch, description=DESCRIPTION):
    """Counts the clips whose frames are left where they are."""
    stored = frame_search.locate_videos(tf.constant(batch), description)
    frames = [x for x in stored.values() if isinstance(x, LocatedFrames)]
    return np.count_nonzero(sum(x.num_frames for x in frames))


def test_frames_lie_in_the_records_and_are_what_parsing_gives():
    found = assert_same(video_batch())
    assert np.abs(found["audio"]).max() > 0
    assert num_located(video_batch()) == len(LENGTHS) - 1  # one is empty


def test_some_modalities_are_found_among_others():
    found = assert_same(video_batch(), DESCRIPTION.select(["audio"]))
    assert set(found) == {"id", "labels", "audio", "audio_num_frames"}
    assert num_located(video_batch(), DESCRIPTION.select(["audio"]))


def test_videos_that_lack_a_feature_list_have_no_frames_of_it():
    found = assert_same(video_batch(without=("audio",)))
    assert found["audio_num_frames"].numpy().tolist() == [0] * len(LENGTHS)
    assert num_located(video_batch(without=("audio",)))


@pytest.mark.parametrize("odd", [[0], [2, 3], [0, 1, 2, 3, 4]])
def test_records_of_another_layout_are_parsed(odd):
    batch = video_batch()
    for index in odd:
        batch[index] += UNKNOWN_FIELD
    found = assert_same(batch)
    assert np.abs(found["rgb"]).max() > 0
    assert num_located(batch) == 4 - len(set(odd) - {1})


def a_video(lists):
    rng = np.random.default_rng(0)
    return context_first(lambda: sequence_record(rng, {"id": [b"a"]}, lists))


@pytest.mark.parametrize("size", [7, 9])
def test_frames_of_another_size_are_an_error(size):
    batch = [a_video({"rgb": [[bytes(8)], [bytes(size)]], "audio": []})]
    with pytest.raises(BROKEN, match="of 8 bytes"):
        features_of(frame_search.locate_videos, batch)


def test_sizes_that_only_sum_up_are_an_error_once_frames_are_taken():
    steps = [[bytes(8)], [bytes(7)], [bytes(9)]]
    batch = [a_video({"rgb": steps, "audio": []})]
    assert num_located(batch) == 1
    with pytest.raises(BROKEN, match="of 8 bytes"):
        features_of(frame_search.locate_videos, batch)


@pytest.mark.parametrize("size", [1, 121, 127, 128, 1024, 16384, 2097152])
def test_the_header_of_an_entry_is_what_protobuf_writes(size):
    values = tf.train.BytesList(value=[bytes(size)])
    feature = tf.train.Feature(bytes_list=values)
    entry = tf.train.FeatureList(feature=[feature])
    assert entry_header(size) + bytes(size) == entry.SerializeToString()


def outcomes(batch):
    """What locating and parsing give of all frames; None for an error."""
    for find in (frame_search.locate_videos, parsing.parse_records):
        try:
            yield features_of(find, batch, size=ALL)
        except BROKEN:
            yield None


@pytest.mark.parametrize("seed", range(6))
def test_records_of_any_layout_end_as_parsing_does(seed):
    rng = np.random.default_rng(seed)
    for _ in range(16):
        found, expected = outcomes([draw_record(rng), draw_record(rng)])
        assert (found is None) == (expected is None)
        for name, value in (expected or {}).items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_records_are_errors_or_give_what_parsing_does(seed):
    rng = np.random.default_rng(seed)
    for _ in range(16):
        found, expected = outcomes([damage(rng, draw_record(rng))])
        if found is not None:
            assert expected is not None
            for name, value in expected.items():
                np.testing.assert_array_equal(found[name], value, err_msg=name)
