"""Handwritten digits of scikit-learn and of IDX files."""

import gzip
import pathlib
import struct
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
    areas, pixels = np.arange(8)[:, None] * 8 / 7, np.arange(9)
    ends = np.minimum(areas[1:], pixels[1:])
    overlaps = ends - np.maximum(areas[:-1], pixels[:-1])
    weights = np.maximum(overlaps, 0) * 7 / 8
    return weights @ images @ weights.T


@each_split
def test_a_split_has_images_of_28_pixels_of_all_digits_and_intensities(
    digits, split
):
    images, labels = digits[split].images, digits[split].labels
    assert images.shape == (SIZES[split], 28, 28)
    assert labels.shape == (SIZES[split],)
    assert images.dtype == labels.dtype == np.uint8
    counts = np.bincount(labels, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0.8 * SIZES[split] / 10
    assert (images.min(), images.max()) == (0, 255)
    assert len(np.unique(images)) == 256
    assert 0.2 < np.mean(images == 0) < 0.6
    assert np.mean(images > 200) > 0.1
    again = load_digits("uci")[split].images
    np.testing.assert_array_equal(again, images)


def test_every_image_is_in_one_split_once_and_as_bright(digits, original):
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
    images = np.concatenate([digits[split].images for split in SIZES])
    bright = original.images.mean() * 255 / 16
    assert images.mean() == pytest.approx(bright, rel=0.03)
    assert len({image.tobytes() for image in images}) == len(images)


def test_without_scikit_learn_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"Install ac-keras\[digits\]"):
        load_digits("uci")


def test_without_a_folder_keras_gives_mnist(monkeypatch):
    arrays = [np.full((2, 28, 28), 7), np.ones(2), np.zeros((1, 28, 28)), []]
    pairs = tuple(arrays[:2]), tuple(arrays[2:])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pairs)
    digits = load_digits("mnist")
    for array, (split, part) in zip(arrays, NAMES, strict=True):
        assert getattr(digits[split], part) is array


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="'uci' or 'mnist'.*source='svhn'"):
        load_digits("svhn")


NAMES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


def draw_items(split, part):
    """Random images or labels of a split, always the same."""
    rng = np.random.default_rng(len(split) + 10 * len(part))
    count = {"train": 5, "test": 3}[split]
    if part == "labels":
        return rng.integers(0, 10, count, dtype=np.uint8)
    return rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)


def idx_bytes(items, type_code=8):
    """Two zeros, the type, the rank, every size and then the items."""
    header = struct.pack(">BBBB", 0, 0, type_code, items.ndim)
    sizes = struct.pack(f">{items.ndim}I", *items.shape)
    return header + sizes + items.tobytes()


@pytest.fixture
def folder(tmp_path):
    """All four files, plain."""
    for (split, part), name in NAMES.items():
        (tmp_path / name).write_bytes(idx_bytes(draw_items(split, part)))
    return tmp_path


def compress(path, data):
    """Replaces a file by a compressed one of these bytes."""
    path.unlink()
    path.with_name(f"{path.name}.gz").write_bytes(data)


IMAGES = idx_bytes(draw_items("train", "images"))
LABELS = idx_bytes(draw_items("train", "labels"))


@pytest.mark.parametrize("compressed", [[], list(NAMES), [("test", "images")]])
@pytest.mark.parametrize("as_path", [pathlib.Path, str])
def test_the_four_files_are_read_plain_or_compressed(
    folder, compressed, as_path
):
    for key in compressed:
        path = folder / NAMES[key]
        compress(path, gzip.compress(path.read_bytes()))
    digits = load_digits("mnist", as_path(folder))
    assert list(digits) == ["train", "test"]
    for split, part in NAMES:
        items = getattr(digits[split], part)
        np.testing.assert_array_equal(items, draw_items(split, part))
        assert items.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES.values())
def test_a_missing_file_is_refused_by_its_name(folder, name):
    (folder / name).unlink()
    message = f"{name} or {name}.gz. Received: mnist_dir={folder}"
    with pytest.raises(FileNotFoundError, match=message):
        load_digits("mnist", folder)


BAD_FILES = {
    "truncated": ("images", IMAGES[:-1]),
    "cut in its sizes": ("images", IMAGES[:10]),
    "cut after its type": ("images", IMAGES[:4]),
    "cut in its type": ("images", IMAGES[:3]),
    "empty": ("images", b""),
    "too long": ("images", IMAGES + b"\0"),
    "a wrong type": (
        "images",
        idx_bytes(draw_items("train", "images"), type_code=13),
    ),
    "a wrong start": ("images", b"\x1f" + IMAGES[1:]),
    "labels": ("images", LABELS),
    "another size": ("images", idx_bytes(np.zeros((5, 32, 32), np.uint8))),
    "a web page": ("images", b"<!DOCTYPE html><html><body>Not found"),
    "images as labels": ("labels", IMAGES),
    "truncated labels": ("labels", LABELS[:-1]),
}


@pytest.mark.parametrize("part, data", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_not_what_it_should_be_is_refused(folder, part, data):
    name = NAMES["train", part]
    (folder / name).write_bytes(data)
    shape = r"\(28, 28\)" if part == "images" else r"\(\)"
    message = f"shape {shape}.*Received: .*{name}, {len(data)} bytes.*Download"
    with pytest.raises(ValueError, match=message):
        load_digits("mnist", folder)


@pytest.mark.parametrize("data", [gzip.compress(IMAGES)[:-20], IMAGES])
def test_a_bad_compressed_file_is_refused_by_its_name(folder, data):
    path = folder / NAMES["train", "images"]
    compress(path, data)
    with pytest.raises(ValueError, match=f"Received: .*{path.name}.gz"):
        load_digits("mnist", folder)


def test_images_and_labels_of_different_numbers_are_refused(folder):
    labels = idx_bytes(draw_items("train", "labels")[:4])
    (folder / NAMES["train", "labels"]).write_bytes(labels)
    with pytest.raises(ValueError, match="5.*4"):
        load_digits("mnist", folder)
