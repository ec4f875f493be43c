"""Which digits a frame holds: as it is made, and as a folder keeps it."""

import hashlib

import numpy as np
import pytest

from ac_keras.datasets import FrameDigits
from support.datasets.coded_digits import make_maker
from support.datasets.coded_digits import read_images

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
@pytest.mark.parametrize("method", ["clips", "clips_with_digits"])
def test_a_seed_gives_the_bytes_that_it_gave_before(with_replacement, method):
    rng = np.random.default_rng(11)
    clips = getattr(make_maker(with_replacement), method)(LABELS, rng)
    clips = clips[0] if method == "clips_with_digits" else clips
    digest = hashlib.sha256(clips.tobytes()).hexdigest()
    assert (digest, rng.integers(0, 2**63)) == BEFORE[with_replacement]


@each_placing
def test_the_digits_of_a_frame_are_those_that_lie_on_it(with_replacement):
    labels = np.random.default_rng(1).integers(0, 1024, 200)
    clips, digits = make_maker(with_replacement).clips_with_digits(
        labels, np.random.default_rng(2)
    )
    assert digits.shape == (200, 25, 10) and digits.dtype == bool
    np.testing.assert_array_equal(digits, read_images(clips).any(axis=3))
    assert (digits.sum(axis=2).max() > 1) == with_replacement


def test_an_empty_clip_has_frames_without_digits():
    maker, rng = make_maker(), np.random.default_rng(0)
    _, digits = maker.clips_with_digits(np.array([0, 4]), rng)
    assert not digits[0].any()
    assert digits[1].any(axis=0).tolist() == [False, False, True] + 7 * [False]


def make_digits_of_clips():
    """Three clips of four frames: {0,1}, {} and {0,9}, two of 9."""
    digits = np.zeros((3, 4, 10), bool)
    digits[0, 2, 0] = digits[0, 1, 1] = True
    digits[2, 0, 0] = digits[2, 0, 9] = digits[2, 3, 9] = True
    return digits


IDS = ("test-a", "test-b", "test-c")
CLASSES = (0b11, 0, 0b1000000001)


def write(folder, ids=IDS, **arrays):
    arrays = arrays or {"digits": make_digits_of_clips()}
    np.savez(folder / "frame_digits.npz", ids=np.array(ids), **arrays)
    return folder


def test_clips_are_found_by_their_ids_in_any_order(tmp_path):
    kept = FrameDigits(write(tmp_path))
    given = kept.of_clips([IDS[2], IDS[0]], np.array([CLASSES[2], CLASSES[0]]))
    np.testing.assert_array_equal(given, make_digits_of_clips()[[2, 0]])


def test_a_folder_without_the_file_says_how_to_add_it(tmp_path):
    message = "frame_digits.npz. Received: no such.*prepare.py.*adds the file"
    with pytest.raises(FileNotFoundError, match=message):
        FrameDigits(tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"other": np.zeros(3)},
        {"digits": np.zeros((3, 4, 10), np.uint8)},
        {"digits": np.zeros((3, 4, 11), bool)},
        {"digits": np.zeros((2, 4, 10), bool)},
        {"digits": np.zeros((3, 10), bool)},
        {"digits": np.array([None])},
    ],
)
def test_other_arrays_are_refused(arrays, tmp_path):
    with pytest.raises(ValueError, match="Expected .*Received: .*Remove it"):
        FrameDigits(write(tmp_path, **arrays))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 half", b"no arrays"])
def test_a_damaged_file_is_refused(data, tmp_path):
    (tmp_path / "frame_digits.npz").write_bytes(data)
    with pytest.raises(ValueError, match="Expected .*Received: .*Remove it"):
        FrameDigits(tmp_path)


def test_a_clip_that_the_file_lacks_is_named(tmp_path):
    kept = FrameDigits(write(tmp_path))
    with pytest.raises(ValueError, match="none of 1 clips, first test-z"):
        kept.of_clips(["test-a", "test-z"], np.array([CLASSES[0], 0]))


def test_digits_of_another_class_are_refused(tmp_path):
    kept = FrameDigits(write(tmp_path))
    message = r"digits \[0, 9\] for test-c, which has \[0\]"
    with pytest.raises(ValueError, match=message):
        kept.of_clips(IDS, np.array([CLASSES[0], 0, 1]))
