"""Located frames are equal to parsed frames."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.formats.located_frames import LocatedFrames
from ac_keras.pipeline.formats.located_frames import entry_header
from support.records.external_records import VIDEO_MODALITIES
from support.records.external_records import describe_videos
from support.records.external_records import draw_video
from support.records.external_records import encode_field
from support.records.external_records import encode_varint
from support.records.external_records import sequence_record
from support.records.external_records import video_record

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


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def locate(batch, description=DESCRIPTION):
    """Returns the features by locating; by parsing they must be the same."""
    found = features_of(parsing.locate_records, batch, description)
    expected = features_of(parsing.parse_records, batch, description)
    assert_same(found, expected)
    return found


def num_located(batch, description=DESCRIPTION):
    """Counts the clips whose frames are left where they are."""
    stored = parsing.locate_records(tf.constant(batch), description)
    frames = [x for x in stored.values() if isinstance(x, LocatedFrames)]
    return np.count_nonzero(sum(x.num_frames for x in frames))


@pytest.mark.parametrize("names", [["rgb", "audio"], ["audio"]])
def test_frames_lie_in_the_records_and_are_what_parsing_gives(names):
    description = DESCRIPTION.select(names)
    found = locate(video_batch(), description)
    counts = {f"{name}_num_frames" for name in names}
    assert set(found) == {"id", "labels", *names, *counts}
    assert np.abs(found["audio"]).max() > 0
    located = num_located(video_batch(), description)
    assert located == len(LENGTHS) - 1  # one is empty


def test_videos_that_lack_a_feature_list_have_no_frames_of_it():
    found = locate(video_batch(without=("audio",)))
    assert found["audio_num_frames"].numpy().tolist() == [0] * len(LENGTHS)
    assert num_located(video_batch(without=("audio",)))


@pytest.mark.parametrize("odd", [[0], [2, 3], [0, 1, 2, 3, 4]])
def test_records_of_another_layout_are_parsed(odd):
    batch = video_batch()
    for index in odd:
        batch[index] += UNKNOWN_FIELD
    found = locate(batch)
    assert np.abs(found["rgb"]).max() > 0
    assert num_located(batch) == 4 - len(set(odd) - {1})


@pytest.mark.parametrize(
    "sizes, located", [((8, 7), 0), ((8, 9), 0), ((8, 7, 9), 1)]
)
def test_frames_of_another_size_are_an_error(sizes, located):
    """Sizes that only sum up are found once the frames are read."""
    rng = np.random.default_rng(0)
    lists = {"rgb": [[bytes(size)] for size in sizes], "audio": []}
    context = {"id": [b"a"]}
    batch = [context_first(lambda: sequence_record(rng, context, lists))]
    if located:
        assert num_located(batch) == 1
    with pytest.raises(BROKEN, match="of 8 bytes"):
        features_of(parsing.locate_records, batch)


@pytest.mark.parametrize("size", [1, 121, 127, 128, 1024, 16384, 2097152])
def test_the_header_of_an_entry_is_what_protobuf_writes(size):
    values = tf.train.BytesList(value=[bytes(size)])
    feature = tf.train.Feature(bytes_list=values)
    entry = tf.train.FeatureList(feature=[feature])
    assert entry_header(size) + bytes(size) == entry.SerializeToString()


def outcomes(batch):
    """Returns all frames by locating and by parsing; None for an error."""
    for find in (parsing.locate_records, parsing.parse_records):
        try:
            yield features_of(find, batch, size=ALL)
        except BROKEN:
            yield None


@pytest.mark.parametrize("corrupted", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_records_of_any_layout_end_as_parsing_does(seed, corrupted):
    """A corrupt record may be an error though parsing reads it."""
    rng = np.random.default_rng(seed)
    for _ in range(16):
        batch = [draw_record(rng), draw_record(rng)]
        if corrupted:
            batch = [corrupt(rng, batch[0])]
        found, expected = outcomes(batch)
        if found is None:
            assert corrupted or expected is None
            continue
        assert expected is not None
        assert_same(found, expected)


def _field(rng, number, payload):
    return encode_field(number, payload, padding=int(rng.random() < 0.02))


def _frame(rng, size):
    if rng.random() < 0.02:
        size = int(rng.integers(0, 2 * size))
    value = _field(rng, 1, rng.bytes(size))
    value *= 1 if rng.random() > 0.01 else int(rng.integers(0, 3))
    kind = 1 if rng.random() > 0.01 else int(rng.integers(1, 4))
    return _field(rng, 1, _field(rng, kind, value))


def _entry(rng, key, value):
    parts = [_field(rng, 1, key), _field(rng, 2, value)]
    if rng.random() < 0.04:
        parts = parts[::-1]
    if rng.random() < 0.03:
        del parts[int(rng.integers(2))]
    if rng.random() < 0.02:
        parts.append(UNKNOWN_FIELD)
    return _field(rng, 1, b"".join(parts))


def _labels(rng):
    numbers = b"".join(encode_varint(int(x)) for x in rng.integers(0, 3900, 3))
    if rng.random() < 0.5:
        return _field(rng, 3, _field(rng, 1, numbers))
    return _field(rng, 3, b"\x08\x05\x08\x90\x01")  # not packed


def _context(rng):
    entries = [_entry(rng, b"id", _field(rng, 1, _field(rng, 1, b"a")))]
    if rng.random() < 0.9:
        entries.append(_entry(rng, b"labels", _labels(rng)))
    if rng.random() < 0.2:
        entries.append(_entry(rng, b"more", _field(rng, 2, b"")))
    if rng.random() < 0.05:
        entries.append(entries[int(rng.integers(len(entries)))])
    rng.shuffle(entries)
    return _field(rng, 1, b"".join(entries))


def _lists(rng):
    entries = []
    for name, dim in VIDEO_MODALITIES.items():
        for _ in range(1 if rng.random() > 0.04 else 2):
            frames = [_frame(rng, dim) for _ in range(rng.integers(0, 6))]
            entries.append(_entry(rng, name.encode(), b"".join(frames)))
    if rng.random() < 0.05:
        entries.append(_entry(rng, b"more", b""))
    if rng.random() < 0.05:
        del entries[0]
    rng.shuffle(entries)
    return _field(rng, 2, b"".join(entries))


def draw_record(rng: np.random.Generator) -> bytes:
    """A record as others may write it; in some a frame or a key is wrong."""
    parts = [_context(rng), _lists(rng)]
    if rng.random() < 0.05:
        parts = parts[::-1]
    if rng.random() < 0.05:
        parts.insert(int(rng.integers(3)), parts[int(rng.integers(2))])
    if rng.random() < 0.03:
        parts.append(UNKNOWN_FIELD)
    return b"".join(parts)


def corrupt(rng: np.random.Generator, record: bytes) -> bytes:
    """Cuts a record or turns one of its bits."""
    place = int(rng.integers(len(record)))
    if rng.random() < 0.5:
        return record[:place]
    turned = record[place] ^ 1 << int(rng.integers(8))
    return record[:place] + bytes([turned]) + record[place + 1 :]
