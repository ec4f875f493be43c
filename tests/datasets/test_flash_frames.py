"""Noise, and the frames to pretrain on (supplement 1.1 and 1.2)."""

import math

import numpy as np
import pytest

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets import load_digits
from ac_keras.datasets.flash_mnist import count_intensities
from support.datasets.coded_digits import COUNTS
from support.datasets.coded_digits import dim_images
from support.datasets.coded_digits import gray_digits
from support.datasets.coded_digits import make_digits
from support.datasets.coded_digits import make_maker
from support.datasets.coded_digits import read_images

EMPTY = 10
ALL_DIGITS = 1023


@pytest.fixture(scope="module")
def uci():
    return load_digits("uci")


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


def test_noise_differs_from_frame_to_frame_and_clip_to_clip(uci):
    maker = FlashMnist(uci["test"], uci["train"])
    clips = maker.clips(np.zeros(8, int), np.random.default_rng(4))
    frames = clips.reshape(200, -1).astype("float64")
    correlation = np.corrcoef(frames)[np.triu_indices(200, 1)]
    assert np.abs(correlation).max() < 5.5 / math.sqrt(28 * 28)


def test_noise_has_no_likeness_of_its_neighbouring_pixels(uci):
    maker = FlashMnist(uci["test"], uci["train"])
    noise = maker.noise(100, np.random.default_rng(5)).astype("float64")
    pairs = noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel()
    correlation = np.corrcoef(*pairs)[0, 1]
    assert abs(correlation) < 4.5 / math.sqrt(len(pairs[0]))


@pytest.mark.parametrize("count", [1, 200])
def test_noise_is_what_uniform_words_look_up(uci, count):
    maker = FlashMnist(uci["test"], uci["train"])
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


def test_the_noise_is_the_noise_digits_and_not_the_digits():
    maker = FlashMnist(gray_digits(200), gray_digits(30))
    assert set(np.unique(maker.noise(3, np.random.default_rng(0)))) == {30}


def make_frames(per_image=3, num_empty=200, seed=0):
    rng = np.random.default_rng(seed)
    return make_maker().frames(per_image, num_empty, rng)


def test_pretraining_has_every_image_per_image_times_and_empty_frames():
    frames = make_frames()
    shown = read_images(frames.images)
    times = shown.sum(axis=0)
    for digit, count in enumerate(COUNTS):
        assert times[digit].tolist() == [3] * count + [0] * (28 - count)
    assert np.sum(~shown.any(axis=(1, 2))) == 200
    assert len(frames.images) == len(frames.labels) == 3 * sum(COUNTS) + 200


def test_pretraining_labels_are_the_digit_or_ten_for_none():
    frames = make_frames()
    shown = read_images(frames.images).any(axis=2)
    expected = np.where(shown.any(axis=1), shown.argmax(axis=1), EMPTY)
    np.testing.assert_array_equal(frames.labels, expected)
    assert frames.labels.dtype == np.uint8


def test_pretraining_frames_have_backgrounds_of_their_own():
    images = make_frames(per_image=2, num_empty=10).images[:, 10:]
    assert len({image.tobytes() for image in images}) == len(images)
    assert set(np.unique(images)) == {0, 1, 90, 100}


def test_pretraining_lays_images_over_noise_by_the_maximum():
    maker = FlashMnist(gray_digits(50), dim_images((0, 100)))
    frames = maker.frames(4, 30, np.random.default_rng(0))
    over = frames.labels != EMPTY
    assert set(np.unique(frames.images[over])) == {50, 100}
    assert set(np.unique(frames.images[~over])) == {0, 100}


def test_pretraining_frames_come_in_random_order():
    labels = make_frames(num_empty=300).labels
    chance = np.sum((np.bincount(labels) / len(labels)) ** 2)
    same = np.mean(labels[1:] == labels[:-1])
    assert abs(same - chance) < 4.5 * math.sqrt(chance / len(labels))


def test_pretraining_may_go_without_empty_frames():
    frames = make_frames(per_image=1, num_empty=0)
    assert sorted(frames.labels) == sorted(make_digits().labels)


def test_the_same_rng_gives_the_same_pretraining_frames():
    first, second, other = (make_frames(seed=seed) for seed in (0, 0, 1))
    assert first.images.tobytes() == second.images.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()
    assert np.mean(first.images != other.images) > 0.5
    assert np.mean(first.labels != other.labels) > 0.5
