"""MNIST's own files, plain or compressed, and files that are not."""

import gzip

import numpy as np
import pytest

from ac_keras.datasets import load_digits
from support.datasets.idx_files import COUNTS
from support.datasets.idx_files import NAMES
from support.datasets.idx_files import draw_items
from support.datasets.idx_files import idx_bytes
from support.datasets.idx_files import write_all
from support.datasets.idx_files import write_idx

each_file = pytest.mark.parametrize(("split", "part"), NAMES)
IMAGES = idx_bytes(draw_items("train", "images"))
LABELS = idx_bytes(draw_items("train", "labels"))


def load(directory):
    return load_digits("mnist", directory)


@pytest.mark.parametrize("compress", [False, True])
def test_the_four_files_are_read(tmp_path, compress):
    write_all(tmp_path, compress)
    digits = load(tmp_path)
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


def test_the_folder_can_be_named_by_a_string(tmp_path):
    write_all(tmp_path)
    labels = load(str(tmp_path))["train"].labels
    np.testing.assert_array_equal(labels, draw_items("train", "labels"))


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


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path, case):
    write_all(tmp_path)
    data = BAD_IMAGES[case]
    write_idx(tmp_path, "train", "images", data)
    message = r"shape \(28, 28\).*Received: .*{}, {} bytes.*Download".format(
        NAMES["train", "images"], len(data)
    )
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("data", [IMAGES, LABELS[:-1]])
def test_labels_that_are_not_labels_are_refused(tmp_path, data):
    write_all(tmp_path)
    write_idx(tmp_path, "train", "labels", data)
    with pytest.raises(ValueError, match=NAMES["train", "labels"]):
        load(tmp_path)


def test_a_truncated_compressed_file_is_refused_by_its_name(tmp_path):
    write_all(tmp_path, compress=True)
    path = tmp_path / f"{NAMES['train', 'images']}.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f"Received: .*{path.name}"):
        load(tmp_path)


def test_a_plain_file_named_as_compressed_is_refused_by_its_name(tmp_path):
    write_all(tmp_path)
    path = tmp_path / NAMES["train", "images"]
    path.rename(f"{path}.gz")
    with pytest.raises(ValueError, match=f"Received: .*{path.name}.gz"):
        load(tmp_path)


def test_images_and_labels_of_different_numbers_are_refused(tmp_path):
    write_all(tmp_path)
    labels = draw_items("train", "labels", count=4)
    write_idx(tmp_path, "train", "labels", idx_bytes(labels))
    with pytest.raises(ValueError, match="5.*4"):
        load(tmp_path)
