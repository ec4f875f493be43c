"""The digits that scikit-learn ships, and where else digits come from."""

import sys

import keras
import numpy as np
import pytest
import sklearn.datasets

from ac_keras.datasets import load_digits

SIZES = {"train": 1347, "test": 450}
each_split = pytest.mark.parametrize("split", SIZES)


@pytest.fixture(scope="module")
def digits():
    return load_digits("uci")


@pytest.fixture(scope="module")
def original():
    """The digits of 8 x 8 pixels, from 0 to 16."""
    return sklearn.datasets.load_digits()


def shrink(images):
    """Images of 28 x 28 as 7 x 7: the mean of each 4 x 4 pixels."""
    return images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))


def shrink_original(images):
    """Images of 8 x 8 as 7 x 7, over the same areas: 8 / 7 pixels wide."""
    weights = np.zeros((7, 8))
    for i in range(7):
        for j in range(8):
            overlap = min((i + 1) * 8 / 7, j + 1) - max(i * 8 / 7, j)
            weights[i, j] = max(overlap, 0) * 7 / 8
    return weights @ images @ weights.T


@each_split
def test_a_split_has_images_of_28_pixels_and_their_labels(digits, split):
    images, labels = digits[split].images, digits[split].labels
    assert images.shape == (SIZES[split], 28, 28)
    assert labels.shape == (SIZES[split],)
    assert images.dtype == labels.dtype == np.uint8


def test_there_is_a_training_and_a_test_split(digits):
    assert list(digits) == ["train", "test"]


@each_split
def test_a_split_has_all_ten_digits_about_equally_often(digits, split):
    counts = np.bincount(digits[split].labels, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0.8 * SIZES[split] / 10


def test_every_image_is_in_one_split_and_once(digits, original):
    every = np.arange(len(original.images))
    expected = {"test": every % 4 == 0, "train": every % 4 != 0}
    for split, member in expected.items():
        small = shrink_original(original.images[member]) * 255 / 16
        error = np.abs(shrink(digits[split].images.astype("float64")) - small)
        # The worst image has 5 of 255; another image in its place has 49.
        assert error.mean(axis=(1, 2)).max() < 12
        np.testing.assert_array_equal(
            digits[split].labels, original.target[member]
        )


def test_images_are_as_bright_as_the_original_ones(digits, original):
    images = np.concatenate([digits[split].images for split in SIZES])
    expected = original.images.mean() * 255 / 16
    assert images.mean() == pytest.approx(expected, rel=0.03)


def test_no_test_image_is_a_training_image(digits):
    train, test = (
        {image.tobytes() for image in digits[split].images} for split in SIZES
    )
    assert not train & test
    assert len(test) == SIZES["test"]


@each_split
def test_intensities_spread_from_0_to_255(digits, split):
    images = digits[split].images
    assert (images.min(), images.max()) == (0, 255)
    assert len(np.unique(images)) == 256
    assert 0.2 < np.mean(images == 0) < 0.6
    assert np.mean(images > 200) > 0.1


def test_loading_again_gives_the_same_images(digits):
    again = load_digits("uci")["test"].images
    np.testing.assert_array_equal(again, digits["test"].images)
    assert again.std() > 50


def test_without_scikit_learn_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"Install ac-keras\[digits\]"):
        load_digits("uci")


def test_without_a_folder_keras_gives_mnist(monkeypatch):
    arrays = [np.full((2, 28, 28), 7), np.ones(2), np.zeros((1, 28, 28)), []]
    pairs = tuple(arrays[:2]), tuple(arrays[2:])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pairs)
    digits = load_digits("mnist")
    assert digits["train"].images is arrays[0]
    assert digits["train"].labels is arrays[1]
    assert digits["test"].images is arrays[2]
    assert digits["test"].labels is arrays[3]


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="'uci' or 'mnist'.*source='svhn'"):
        load_digits("svhn")
