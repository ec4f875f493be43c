"""The plain ways that preparation is timed against make what it makes."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets.flash_mnist import count_intensities
from ac_keras.datasets.frame_cnn import make_extractor
from ac_keras.models import frame_cnn
from peers import plain_preparation


@pytest.fixture(scope="module")
def digits():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (230, 28, 28), np.uint8)
    return Digits(images, np.arange(230, dtype=np.uint8) % 10)


def clips_of(maker):
    return maker.clips(np.array([7, 1023, 0]), np.random.default_rng(1))


def test_clips_are_the_same_bytes(digits):
    plain = clips_of(plain_preparation.PlainFlashMnist(digits, digits))
    assert plain.std() > 10
    np.testing.assert_array_equal(plain, clips_of(FlashMnist(digits, digits)))


def test_intensities_are_the_same(digits):
    counts = plain_preparation.count_intensities(digits.images)
    assert counts.sum() == 230 * 28 * 28
    np.testing.assert_array_equal(counts, count_intensities(digits.images))


def test_features_are_the_same_but_for_rounding(digits):
    cnn, clips = frame_cnn(), clips_of(FlashMnist(digits, digits))
    plain = plain_preparation.make_extractor(cnn)(clips)
    assert plain.shape == (3, 25, 50) and plain.std() > 0.01
    np.testing.assert_allclose(make_extractor(cnn)(clips), plain, atol=1e-6)


def test_training_moves_the_weights(digits):
    cnn = frame_cnn()
    before = cnn.get_weights()
    plain_preparation.make_training(cnn)(digits)
    moved = [
        np.abs(x - y).max()
        for x, y in zip(before, cnn.get_weights(), strict=True)
    ]
    assert min(moved) > 1e-3
