"""Handwritten digits of MNIST or scikit-learn."""

import dataclasses
import gzip
import math
import os
import pathlib
import zlib

import keras
import numpy as np

from ac_keras.utils.optional_imports import import_optional

SIDE = 28  # pixels
UCI_TEST_SHARE = 4  # every fourth image
MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


@dataclasses.dataclass(frozen=True)
class Digits:
    """Images of single digits.

    Attributes:
        images: uint8 `(count, 28, 28)`.
        labels: uint8 `(count,)`, 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray


def load_digits(
    source: str, mnist_dir: str | os.PathLike | None = None
) -> dict[str, Digits]:
    """Loads digits in a training and a test split.

    Args:
        source: `"uci"`, the 1,797 digits of scikit-learn, resized from 8 x 8
            to 28 x 28 pixels and split by image; or `"mnist"`.
        mnist_dir: Folder of MNIST's four IDX files, plain or with `.gz`.
            Without it Keras downloads them.

    Returns:
        A dict with `train` and `test`.

    Raises:
        FileNotFoundError: If a file of MNIST is not in the folder.
        ImportError: If scikit-learn is needed and not installed.
        ValueError: If the source is unknown or a file is not valid.
    """
    if source == "uci":
        return _load_uci()
    if source != "mnist":
        raise ValueError(
            "load_digits expects source 'uci' or 'mnist'. Received: "
            f"source={source!r}."
        )
    if mnist_dir is None:
        train, test = keras.datasets.mnist.load_data()
        return {"train": Digits(*train), "test": Digits(*test)}
    return {split: _read_split(mnist_dir, split) for split in MNIST_FILES}


def _read_split(directory, split):
    image_file, label_file = MNIST_FILES[split]
    images = _read_idx(directory, image_file, (SIDE, SIDE))
    labels = _read_idx(directory, label_file, ())
    if len(images) != len(labels):
        raise ValueError(
            f"Expected a label for each image. Received: {len(images)} images "
            f"in {image_file} and {len(labels)} labels in {label_file} of "
            f"{directory}. Take both from the same source."
        )
    return Digits(images, labels)


def _read_idx(directory, name, item_shape):
    """Reads an IDX file of bytes: a header, then `(count, *item_shape)`."""
    directory = pathlib.Path(directory)
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            data = path.read_bytes()
            break
    else:
        raise FileNotFoundError(
            f"Expected {name} or {name}.gz. Received: mnist_dir={directory}, "
            "which has neither. The four files are MNIST's own IDX files."
        )
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(
                f"Expected a complete gzip file. Received: {path}, which is "
                f"truncated or of another format ({error}). Download it again."
            ) from error
    rank = 1 + len(item_shape)
    start = 4 + 4 * rank  # of the items
    sizes = np.frombuffer(data[4:start].ljust(4 * rank, b"\0"), ">u4")
    shape = tuple(int(size) for size in sizes)
    is_idx = data[:4] == bytes([0, 0, 8, rank]) and shape[1:] == item_shape
    if not is_idx or len(data) != start + math.prod(shape):
        raise ValueError(
            f"Expected an IDX file of bytes, items of shape {item_shape}. "
            f"Received: {path}, {len(data)} bytes, begins with "
            f"{data[:4].hex()}. Download it again."
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _load_uci():
    uci = import_optional("sklearn.datasets", "digits").load_digits()
    images = uci.images.astype("float32")[..., None] * (255 / 16)
    images = keras.ops.image.resize(
        images, (SIDE, SIDE), interpolation="bicubic"
    )
    images = keras.ops.convert_to_numpy(images)[..., 0]
    images = np.rint(np.clip(images, 0, 255)).astype(np.uint8)
    labels = uci.target.astype(np.uint8)
    is_test = np.arange(len(labels)) % UCI_TEST_SHARE == 0
    return {
        "train": Digits(images[~is_test], labels[~is_test]),
        "test": Digits(images[is_test], labels[is_test]),
    }
