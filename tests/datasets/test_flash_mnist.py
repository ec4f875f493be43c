"""Clips and frames of Flash-MNIST (section 4.1, supplement 1.1 and 1.2)."""

import math

import numpy as np
import pytest

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets import load_digits
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.datasets.flash_mnist import count_intensities
from support.datasets.coded_digits import COUNTS
from support.datasets.coded_digits import digits_of
from support.datasets.coded_digits import dim_images
from support.datasets.coded_digits import gray_digits
from support.datasets.coded_digits import make_digits
from support.datasets.coded_digits import make_maker
from support.datasets.coded_digits import read_images

ALL_DIGITS = 1023
EMPTY = 10
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


@each_placing
def test_the_digits_that_flash_are_the_labels_set(with_replacement):
    labels = [0, 1023, *np.random.default_rng(1).integers(0, 1024, 200)]
    clips = make_clips(labels, with_replacement=with_replacement)
    assert clips.shape == (202, 25, 28, 28)
    assert clips.dtype == np.uint8
    shown = read_images(clips).any(axis=(1, 3))
    for label, row in zip(labels, shown, strict=True):
        assert set(np.flatnonzero(row)) == digits_of(label)


def test_every_digit_flashes_once_or_twice_independently(full_clips):
    times = full_clips.sum(axis=(1, 3))
    assert set(times.ravel()) == {1, 2}
    assert abs(np.mean(times == 2) - 0.5) < 4 * 0.5 / math.sqrt(times.size)
    correlation = np.corrcoef((times == 2).T)[np.triu_indices(10, 1)]
    assert np.abs(correlation).max() < 4.5 / math.sqrt(len(times))
    assert full_clips.sum(axis=(2, 3)).max() == 1  # image on a frame


def chance_of_collision():
    """Chance that images of a random class, on random frames, share one."""
    chances = np.ones(1)
    for _ in range(10):  # absent, once or twice
        chances = np.convolve(chances, [1 / 2, 1 / 4, 1 / 4])
    free = np.cumprod([1, *(1 - np.arange(20) / 25)])
    return 1 - chances @ free


def test_with_replacement_six_clips_in_ten_have_images_on_one_frame():
    labels = np.random.default_rng(2).integers(0, 1024, 2000)
    images = read_images(make_clips(labels, with_replacement=True))
    rate = np.mean((images.sum(axis=(2, 3)) > 1).any(axis=1))
    chance = chance_of_collision()
    assert round(chance, 1) == 0.6
    # The same image twice on one frame, seen once: one collision in 600.
    deviation = math.sqrt(chance * (1 - chance) / len(labels))
    assert abs(rate - chance) < 4 * deviation
    assert images.sum(axis=(2, 3)).max() > 2


@each_placing
def test_images_fall_on_all_frames_about_equally_often(with_replacement):
    images = read_images(
        make_clips([ALL_DIGITS] * 400, with_replacement=with_replacement)
    )
    counts = images.sum(axis=(0, 2, 3))
    assert 0.05 < spread(counts, [counts.sum() / 25] * 25) < 2.2


def test_images_of_a_digit_flash_equally_often_in_any_order(full_clips):
    times = np.argmax(full_clips.any(axis=3), axis=1)  # of clip and digit
    before = np.mean(times[:, 0] < times[:, 9])
    assert abs(before - 0.5) < 4 * 0.5 / math.sqrt(len(times))
    for digit, count in enumerate(COUNTS):
        counts = full_clips[:, :, digit].sum(axis=(0, 1))
        assert counts[count:].sum() == 0
        expected = [counts.sum() / count] * count
        assert 0.1 < spread(counts[:count], expected) < 3


def test_an_image_lies_over_noise_by_the_maximum_of_each_pixel():
    maker = FlashMnist(gray_digits(50), dim_images((0, 100)))
    clips = maker.clips(np.array([1] * 20), np.random.default_rng(0))
    frames = clips.reshape(-1, 28 * 28)
    over = frames.min(axis=1) == 50
    pretraining = maker.frames(4, 30, np.random.default_rng(0))
    for images, lit in (
        (frames, over),
        (pretraining.images, pretraining.labels != EMPTY),
    ):
        assert set(np.unique(images[lit])) == {50, 100}
        assert set(np.unique(images[~lit])) == {0, 100}
    assert set(frames.min(axis=1)) == {0, 50}
    assert np.mean(frames[over] == 100) == pytest.approx(0.5, abs=0.02)


@each_placing
def test_the_same_rng_gives_the_same_clips(with_replacement):
    first, again, other = (
        make_clips([3, 500, 1023], seed, with_replacement=with_replacement)
        for seed in (6, 6, 7)
    )
    np.testing.assert_array_equal(first, again)
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


@pytest.fixture(scope="module")
def uci():
    return load_digits("uci")


@pytest.fixture(scope="module")
def maker(uci):
    return FlashMnist(uci["test"], uci["train"])


@pytest.mark.parametrize("label", [0, ALL_DIGITS])
def test_noise_has_the_digits_intensities(uci, label):
    blank = Digits(np.zeros((10, 28, 28), np.uint8), np.arange(10))
    maker = FlashMnist(blank, uci["train"])
    pixels = maker.clips(np.array([label] * 80), np.random.default_rng(3))
    images = uci["train"].images
    share = np.bincount(images.ravel(), minlength=256) / images.size
    found = np.bincount(pixels.ravel(), minlength=256) / pixels.size
    deviation = np.sqrt(share * (1 - share) / pixels.size)
    assert np.all(np.abs(found - share) < 4.5 * deviation + 2**-16)
    assert found[0] > 0.3


def test_noise_differs_from_frame_to_frame_and_clip_to_clip(maker):
    clips = maker.clips(np.zeros(8, int), np.random.default_rng(4))
    frames = clips.reshape(200, -1).astype("float64")
    correlation = np.corrcoef(frames)[np.triu_indices(200, 1)]
    assert np.abs(correlation).max() < 5.5 / math.sqrt(28 * 28)


def test_noise_has_no_likeness_of_its_neighbouring_pixels(maker):
    noise = maker.noise(100, np.random.default_rng(5)).astype("float64")
    pairs = noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel()
    correlation = np.corrcoef(*pairs)[0, 1]
    assert abs(correlation) < 4.5 / math.sqrt(len(pairs[0]))


@pytest.mark.parametrize("count", [1, 200])
def test_noise_is_what_uniform_words_look_up(maker, count):
    noise = maker.noise(count, np.random.default_rng(6))
    rng = np.random.default_rng(6)
    words = rng.integers(0, 2**64, count * 28 * 28 // 4, dtype=np.uint64)
    expected = maker.intensities[words.view(np.uint16)]
    np.testing.assert_array_equal(noise.ravel(), expected)


def test_intensities_are_counted_over_all_images(uci):
    images = uci["train"].images
    assert len(images) > 1000
    expected = [np.sum(images == level) for level in range(256)]
    assert count_intensities(images).tolist() == expected


def make_frames(per_image=3, num_empty=200, seed=0):
    rng = np.random.default_rng(seed)
    return make_maker().frames(per_image, num_empty, rng)


@pytest.mark.parametrize("per_image, num_empty", [(3, 200), (1, 0)])
def test_pretraining_has_every_image_and_empty_frames(per_image, num_empty):
    frames = make_frames(per_image, num_empty)
    shown = read_images(frames.images)
    times = shown.sum(axis=0)
    for digit, count in enumerate(COUNTS):
        assert times[digit].tolist() == [per_image] * count + [0] * (28 - count)
    assert np.sum(~shown.any(axis=(1, 2))) == num_empty
    assert len(frames.images) == per_image * sum(COUNTS) + num_empty
    digits = shown.any(axis=2)
    expected = np.where(digits.any(axis=1), digits.argmax(axis=1), EMPTY)
    np.testing.assert_array_equal(frames.labels, expected)
    assert frames.labels.dtype == np.uint8


def test_pretraining_frames_have_backgrounds_of_their_own_in_random_order():
    images = make_frames(per_image=2, num_empty=10).images[:, 10:]
    assert len({image.tobytes() for image in images}) == len(images)
    assert set(np.unique(images)) == {0, 1, 90, 100}
    labels = make_frames(num_empty=300).labels
    chance = np.sum((np.bincount(labels) / len(labels)) ** 2)
    same = np.mean(labels[1:] == labels[:-1])
    assert abs(same - chance) < 4.5 * math.sqrt(chance / len(labels))


def test_the_same_rng_gives_the_same_pretraining_frames():
    first, second, other = (make_frames(seed=seed) for seed in (0, 0, 1))
    assert first.images.tobytes() == second.images.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()
    assert np.mean(first.images != other.images) > 0.5
    assert np.mean(first.labels != other.labels) > 0.5
