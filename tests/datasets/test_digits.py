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


@each_split
def test_a_split_has_all_ten_digits_about_equally_often(digits, split):
    counts = np.bincount(digits[split].labels, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0.8 * SIZES[split] / 10


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
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
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


NAMES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


COUNTS = {"train": 5, "test": 3}


def draw_items(split, part, count=None):
    """Random images or labels of a split, always the same."""
    rng = np.random.default_rng(len(split) + 10 * len(part))
    count = COUNTS[split] if count is None else count
    if part == "labels":
        return rng.integers(0, 10, count, dtype=np.uint8)
    return rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)


def idx_bytes(items, type_code=8):
    """Two zeros, the type, the rank, every size and then the items."""
    header = struct.pack(">BBBB", 0, 0, type_code, items.ndim)
    sizes = struct.pack(f">{items.ndim}I", *items.shape)
    return header + sizes + items.tobytes()


def write_idx(directory, split, part, data, compress=False):
    name = NAMES[split, part] + (".gz" if compress else "")
    path = directory / name
    path.write_bytes(gzip.compress(data) if compress else data)
    return path


def write_all(directory, compress=False):
    """All four files."""
    for split, part in NAMES:
        data = idx_bytes(draw_items(split, part))
        write_idx(directory, split, part, data, compress)


each_file = pytest.mark.parametrize(("split", "part"), NAMES)
IMAGES = idx_bytes(draw_items("train", "images"))
LABELS = idx_bytes(draw_items("train", "labels"))


def load(directory):
    return load_digits("mnist", directory)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("as_path", [pathlib.Path, str])
def test_the_four_files_are_read(tmp_path, compress, as_path):
    write_all(tmp_path, compress)
    digits = load(as_path(tmp_path))
    assert list(digits) == ["train", "test"]
    for split, part in NAMES:
        items = getattr(digits[split], part)
        np.testing.assert_array_equal(items, draw_items(split, part))
        assert items.dtype == np.uint8
        assert len(items) == COUNTS[split]


def test_plain_and_compressed_files_may_be_mixed(tmp_path):
    write_all(tmp_path)
    plain = tmp_path / NAMES["test", "images"]
    (tmp_path / f"{plain.name}.gz").write_bytes(
        gzip.compress(plain.read_bytes())
    )
    plain.unlink()
    images = load(tmp_path)["test"].images
    np.testing.assert_array_equal(images, draw_items("test", "images"))


@each_file
def test_a_missing_file_is_refused_by_its_name(tmp_path, split, part):
    write_all(tmp_path)
    name = NAMES[split, part]
    (tmp_path / name).unlink()
    message = f"{name} or {name}.gz. Received: mnist_dir={tmp_path}"
    with pytest.raises(FileNotFoundError, match=message):
        load(tmp_path)


BAD_IMAGES = {
    "truncated": IMAGES[:-1],
    "cut in its sizes": IMAGES[:10],
    "cut after its type": IMAGES[:4],
    "cut in its type": IMAGES[:3],
    "empty": b"",
    "too long": IMAGES + b"\0",
    "a wrong type": idx_bytes(draw_items("train", "images"), type_code=13),
    "a wrong start": b"\x1f" + IMAGES[1:],
    "labels": LABELS,
    "images of another size": idx_bytes(np.zeros((5, 32, 32), np.uint8)),
    "a web page": b"<!DOCTYPE html><html><body>Not found</body></html>",
}


BAD_FILES = {
    **{case: ("images", data) for case, data in BAD_IMAGES.items()},
    "images as labels": ("labels", IMAGES),
    "truncated labels": ("labels", LABELS[:-1]),
}


@pytest.mark.parametrize("part, data", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path, part, data):
    write_all(tmp_path)
    write_idx(tmp_path, "train", part, data)
    shape = r"\(28, 28\)" if part == "images" else r"\(\)"
    message = r"shape {}.*Received: .*{}, {} bytes.*Download".format(
        shape, NAMES["train", part], len(data)
    )
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("compress", [True, False])
def test_a_bad_compressed_file_is_refused_by_its_name(tmp_path, compress):
    data = gzip.compress(IMAGES)[:-20] if compress else IMAGES
    write_all(tmp_path)
    path = tmp_path / NAMES["train", "images"]
    path.unlink()
    (tmp_path / f"{path.name}.gz").write_bytes(data)
    with pytest.raises(ValueError, match=f"Received: .*{path.name}.gz"):
        load(tmp_path)


def test_images_and_labels_of_different_numbers_are_refused(tmp_path):
    write_all(tmp_path)
    labels = draw_items("train", "labels", count=4)
    write_idx(tmp_path, "train", "labels", idx_bytes(labels))
    with pytest.raises(ValueError, match="5.*4"):
        load(tmp_path)
