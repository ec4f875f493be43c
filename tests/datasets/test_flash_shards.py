"""Shards of Flash-MNIST, and the digits of every frame."""

import hashlib

import numpy as np
import pytest

from ac_keras.datasets import FrameDigits
from ac_keras.datasets.flash_shards import FlashShards
from ac_keras.datasets.flash_shards import write_previews
from support.datasets.coded_digits import make_maker
from support.datasets.coded_digits import read_images

SIZES = {"train": 300, "test": 90}
ALL = [("train", 0), ("train", 1), ("train", 2), ("test", 0)]
SPLITS = tuple(SIZES)


def stream(split, *index):
    return np.random.default_rng([SPLITS.index(split), *index])


def make_shards(**kwargs):
    makers = dict.fromkeys(SIZES, make_maker())
    return FlashShards(makers, SIZES, 120, stream, **kwargs)


def extract(frames):
    """Two numbers of a frame: its mean and its brightest column."""
    means = frames.mean(axis=(2, 3))
    columns = frames[..., :10, :].max(axis=2).argmax(axis=2)
    return np.stack([means, columns], 2).astype(np.float32)


def clips_of(shards, wanted, **kwargs):
    """All clips of some shards."""
    ask = shards.clips(wanted, extract, **kwargs)
    return [clip for shard in wanted for clip in ask(*shard)]


def assert_same(clips, expected):
    for one, two in zip(clips, expected, strict=True):
        assert (one.id, one.labels) == (two.id, two.labels)
        np.testing.assert_array_equal(one.frames["rgb"], two.frames["rgb"])


@pytest.fixture(scope="module")
def clips():
    return clips_of(make_shards(), ALL)


def test_shards_hold_about_equally_many_numbered_clips_within_the_limit(clips):
    shards = make_shards()
    assert shards.counts == {"train": 3, "test": 1}
    expected = [f"{s}-{i:07d}" for s in SIZES for i in range(SIZES[s])]
    assert [clip.id for clip in clips] == expected
    assert_same(clips_of(shards, [("train", 1)]), clips[100:200])
    assert_same(clips_of(make_shards(), [ALL[2], ALL[3]]), clips[200:])


@pytest.mark.parametrize("first, stop", [(100, 164), (164, 200)])
def test_a_chunk_is_what_its_random_stream_gives(clips, first, stop):
    rng = stream("train", 1, first)
    labels = rng.integers(0, 1024, stop - first)
    features = extract(make_maker().clips(labels, rng))
    found = clips[first:stop]
    assert [clip.labels for clip in found] == [(x,) for x in labels]
    assert features.std(axis=(0, 1)).min() > 0.1
    for clip, expected in zip(found, features, strict=True):
        np.testing.assert_array_equal(clip.frames["rgb"], expected)


def test_balanced_shards_have_classes_equally_often():
    found = clips_of(make_shards(balanced=True), ALL[:3])
    assert len({clip.labels[0] for clip in found}) == 300


@pytest.mark.parametrize(
    "asked", [ALL[1], ("test", 0)], ids=["another", "none_of_them"]
)
def test_shards_out_of_turn_are_refused(asked):
    ask = make_shards().clips(ALL[:2], extract)
    if asked == ("test", 0):
        assert [len(list(ask(*shard))) for shard in ALL[:2]] == [100, 100]
    with pytest.raises(
        ValueError, match="expects shards to be read in the order"
    ):
        next(ask(*asked))


@pytest.mark.parametrize("kept", [[], ALL[:1], ALL[:3]])
def test_digits_of_frames_are_those_of_the_clips_kept_or_not(kept, monkeypatch):
    shards = make_shards()
    clips_of(shards, kept, keep_digits="train")
    digits = shards.frame_digits("train")
    assert digits.shape == (300, 25, 10) and digits.dtype == bool
    first = shards.frames("train", 1, 100, 164)
    np.testing.assert_array_equal(digits[100:164], first[2])
    shown = (first[1][..., :10, :] == 255).any(axis=3)
    np.testing.assert_array_equal(digits[100:164], shown)
    if kept == ALL[:3]:
        monkeypatch.setattr(shards, "frames", None)
        again = shards.frame_digits("train")  # kept, so not made again
        np.testing.assert_array_equal(again, digits)


def test_previews_are_the_first_test_clips(tmp_path, clips):
    write_previews(tmp_path, make_shards())
    with np.load(tmp_path / "previews.npz") as kept:
        assert kept["ids"].tolist() == [clip.id for clip in clips[300:316]]
        assert kept["labels"].tolist() == [x.labels[0] for x in clips[300:316]]
        features = extract(kept["rgb"])
    for clip, expected in zip(clips[300:316], features, strict=True):
        np.testing.assert_array_equal(clip.frames["rgb"], expected)


LABELS = np.array([0, 1, 6, 500, 1023, 1023])
each_placing = pytest.mark.parametrize("with_replacement", [False, True])
# Of LABELS' clips by generator 11, and the integer that it draws next. Taken
# before clips could tell their digits: datasets made then are the same.
BEFORE = {
    False: (
        "e4d643ef1e8c01c2c62267f7eff5dfeaf9c2f625d85e468d63fbbb0a183b71aa",
        7456421823892431132,
    ),
    True: (
        "065a2e13d5121339b78d38af39be88646e56e908295cae59fcd3cb060c8c9c83",
        1317850665638005960,
    ),
}


@each_placing
def test_a_seed_gives_the_bytes_that_it_gave_before(with_replacement):
    maker = make_maker(with_replacement)
    for make in (
        maker.clips,
        lambda *args: maker.clips_with_digits(*args)[0],
    ):
        rng = np.random.default_rng(11)
        digest = hashlib.sha256(make(LABELS, rng).tobytes()).hexdigest()
        assert (digest, rng.integers(0, 2**63)) == BEFORE[with_replacement]


@each_placing
def test_the_digits_of_a_frame_are_those_that_lie_on_it(with_replacement):
    labels = np.random.default_rng(1).integers(0, 1024, 200)
    labels[0] = 0
    clips, digits = make_maker(with_replacement).clips_with_digits(
        labels, np.random.default_rng(2)
    )
    assert digits.shape == (200, 25, 10) and digits.dtype == bool
    np.testing.assert_array_equal(digits, read_images(clips).any(axis=3))
    assert (digits.sum(axis=2).max() > 1) == with_replacement
    assert not digits[0].any()


IDS = ("test-a", "test-b", "test-c")
CLASSES = (0b11, 0, 0b1000000001)
# Three clips of four frames: {0, 1}, {} and {0, 9}, two of 9.
DIGITS = np.zeros((3, 4, 10), bool)
DIGITS[[0, 0, 2, 2, 2], [2, 1, 0, 0, 3], [0, 1, 0, 9, 9]] = True


def write(folder, **arrays):
    arrays = arrays or {"digits": DIGITS}
    np.savez(folder / "frame_digits.npz", ids=np.array(IDS), **arrays)
    return folder


def test_clips_are_found_by_their_ids_in_any_order(tmp_path):
    kept = FrameDigits(write(tmp_path))
    given = kept.of_clips([IDS[2], IDS[0]], np.array([CLASSES[2], CLASSES[0]]))
    np.testing.assert_array_equal(given, DIGITS[[2, 0]])


def test_a_folder_without_the_file_says_how_to_add_it(tmp_path):
    message = "frame_digits.npz. Received: no such.*prepare.py.*adds the file"
    with pytest.raises(FileNotFoundError, match=message):
        FrameDigits(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {"other": np.zeros(3)},
        {"digits": np.zeros((3, 4, 10), np.uint8)},
        {"digits": np.zeros((3, 4, 11), bool)},
        {"digits": np.zeros((2, 4, 10), bool)},
        {"digits": np.zeros((3, 10), bool)},
        {"digits": np.array([None])},
        b"",
        b"PK\x03\x04 half",
        b"no arrays",
    ],
)
def test_a_file_of_other_content_is_refused(content, tmp_path):
    if isinstance(content, bytes):
        (tmp_path / "frame_digits.npz").write_bytes(content)
    else:
        write(tmp_path, **content)
    with pytest.raises(ValueError, match="Expected .*Received: .*Remove it"):
        FrameDigits(tmp_path)


@pytest.mark.parametrize(
    "ids, classes, message",
    [
        (["test-a", "test-z"], [3, 0], "none of 1 clips, first test-z"),
        (IDS, [3, 0, 1], r"digits \[0, 9\] for test-c, which has \[0\]"),
    ],
)
def test_clips_that_the_file_lacks_are_named(tmp_path, ids, classes, message):
    kept = FrameDigits(write(tmp_path))
    with pytest.raises(ValueError, match=message):
        kept.of_clips(ids, np.array(classes))
