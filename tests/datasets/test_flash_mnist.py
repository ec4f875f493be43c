"""Flash-MNIST's clips are what section 4.1 and supplement 1.1 say."""

import math

import numpy as np
import pytest

from ac_keras.datasets import FlashMnist
from ac_keras.datasets.flash_mnist import class_names
from support.datasets.coded_digits import COUNTS
from support.datasets.coded_digits import digits_of
from support.datasets.coded_digits import dim_images
from support.datasets.coded_digits import gray_digits
from support.datasets.coded_digits import make_digits
from support.datasets.coded_digits import make_maker
from support.datasets.coded_digits import read_images

ALL_DIGITS = 1023
each_placing = pytest.mark.parametrize("with_replacement", [False, True])


def make_clips(labels, seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    return make_maker(**kwargs).clips(np.array(labels), rng)


def spread(counts, expected):
    """Pearson's statistic per degree of freedom; about 1 by chance."""
    counts, expected = np.asarray(counts), np.asarray(expected)
    return np.mean((counts - expected) ** 2 / expected)


@pytest.fixture(scope="module")
def full_clips():
    """Which images lie on the frames of 600 clips of all ten digits."""
    return read_images(make_clips([ALL_DIGITS] * 600))


def test_a_clip_is_25_frames_of_28_pixels_in_bytes():
    clips = make_clips([0, 5, 1023])
    assert clips.shape == (3, 25, 28, 28)
    assert clips.dtype == np.uint8


@each_placing
def test_the_digits_that_flash_are_the_labels_set(with_replacement):
    labels = [0, 1023, *np.random.default_rng(1).integers(0, 1024, 200)]
    clips = make_clips(labels, with_replacement=with_replacement)
    shown = read_images(clips).any(axis=(1, 3))
    for label, row in zip(labels, shown, strict=True):
        assert set(np.flatnonzero(row)) == digits_of(label)


def test_every_digit_flashes_once_or_twice_about_equally_often(full_clips):
    times = full_clips.sum(axis=(1, 3)).ravel()
    assert set(times) == {1, 2}
    assert abs(np.mean(times == 2) - 0.5) < 4 * 0.5 / math.sqrt(len(times))


def test_digits_flash_once_or_twice_independently(full_clips):
    twice = full_clips.sum(axis=(1, 3)) == 2
    correlation = np.corrcoef(twice.T)[np.triu_indices(10, 1)]
    assert np.abs(correlation).max() < 4.5 / math.sqrt(len(twice))


def test_a_frame_has_one_image_at_most(full_clips):
    images = full_clips.sum(axis=(2, 3))
    assert images.max() == 1
    assert images.sum() > 10 * 600


def collision_free(num_images):
    """Chance that images on frames picked at random share none."""
    return math.prod(1 - i / 25 for i in range(num_images))


def chance_of_collision():
    """The same for a random class, by all numbers of images it may have."""
    chances = np.ones(1)
    for _ in range(10):  # absent, once or twice
        chances = np.convolve(chances, [1 / 2, 1 / 4, 1 / 4])
    free = [collision_free(k) * p for k, p in enumerate(chances)]
    return 1 - sum(free)


def test_with_replacement_six_clips_in_ten_have_images_on_one_frame():
    labels = np.random.default_rng(2).integers(0, 1024, 2000)
    images = read_images(make_clips(labels, with_replacement=True))
    rate = np.mean((images.sum(axis=(2, 3)) > 1).any(axis=1))
    chance = chance_of_collision()
    assert round(chance, 1) == 0.6
    # The same image twice on one frame, seen once: one collision in 600.
    deviation = math.sqrt(chance * (1 - chance) / len(labels))
    assert abs(rate - chance) < 4 * deviation


@each_placing
def test_images_fall_on_all_frames_about_equally_often(with_replacement):
    images = read_images(
        make_clips([ALL_DIGITS] * 400, with_replacement=with_replacement)
    )
    counts = images.sum(axis=(0, 2, 3))
    assert 0.05 < spread(counts, [counts.sum() / 25] * 25) < 2.2


def test_the_first_and_the_second_image_may_come_in_any_order(full_clips):
    times = np.argmax(full_clips.any(axis=3), axis=1)  # of clip and digit
    before = np.mean(times[:, 0] < times[:, 9])
    assert abs(before - 0.5) < 4 * 0.5 / math.sqrt(len(times))


@pytest.mark.parametrize("digit", range(10))
def test_all_images_of_a_digit_flash_about_equally_often(full_clips, digit):
    counts = full_clips[:, :, digit].sum(axis=(0, 1))
    count = COUNTS[digit]
    assert counts[count:].sum() == 0
    expected = [counts.sum() / count] * count
    assert 0.1 < spread(counts[:count], expected) < 3


def test_an_image_lies_over_noise_by_the_maximum_of_each_pixel():
    maker = FlashMnist(gray_digits(50), dim_images((0, 100)))
    frames = maker.clips(np.array([1] * 20), np.random.default_rng(0))
    frames = frames.reshape(-1, 28 * 28)
    darkest = frames.min(axis=1)
    assert set(darkest) == {0, 50}
    assert set(np.unique(frames[darkest == 50])) == {50, 100}
    assert set(np.unique(frames[darkest == 0])) == {0, 100}
    assert np.mean(frames[darkest == 50] == 100) == pytest.approx(0.5, abs=0.02)


def test_with_replacement_images_on_one_frame_are_all_kept_by_the_maximum():
    images = read_images(make_clips([ALL_DIGITS] * 600, with_replacement=True))
    times = images.sum(axis=(1, 3))
    assert np.mean(times) == pytest.approx(1.5, abs=0.03)
    assert images.sum(axis=(2, 3)).max() > 2


@each_placing
def test_the_same_rng_gives_the_same_clips(with_replacement):
    labels = [3, 500, 1023]
    kwargs = {"with_replacement": with_replacement}
    first = make_clips(labels, seed=6, **kwargs)
    np.testing.assert_array_equal(first, make_clips(labels, seed=6, **kwargs))
    other = make_clips(labels, seed=7, **kwargs)
    assert np.mean(first != other) > 0.5


def test_digits_of_which_one_has_no_image_are_refused():
    digits = make_digits(counts=(2, 2, 2, 2, 2, 2, 2, 0, 2, 2))
    with pytest.raises(ValueError, match="all ten digits.*2, 0, 2, 2]"):
        FlashMnist(digits, dim_images())


def test_class_names_tell_the_bits_of_the_class():
    names = class_names()
    assert len(names) == len(set(names)) == 1024
    for label, name in enumerate(names):
        digits = [int(d) for d in name.strip("{}").split(",") if d]
        assert name == "{" + ",".join(map(str, digits)) + "}"
        assert sum(2**d for d in digits) == label
