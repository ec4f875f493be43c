"""Handwritten digits, from MNIST or from what scikit-learn ships."""

import dataclasses
import gzip
import os
import pathlib

import keras
import numpy as np

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
        source: `"uci"`, the 1,797 digits that scikit-learn ships, from 8 x 8
            to 28 x 28 pixels, split by image; or `"mnist"`.
        mnist_dir: Folder of MNIST's four IDX files, plain or with `.gz`.
            Without one, Keras downloads them.

    Returns:
        A dict with `train` and `test`.

    Raises:
        FileNotFoundError: If a file of MNIST is not in the folder.
        ImportError: If scikit-learn is wanted and not there.
        ValueError: If the source is unknown or a file is not what it should
            be.
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
    return {
        split: Digits(
            _read_idx(mnist_dir, images, (SIDE, SIDE)),
            _read_idx(mnist_dir, labels, ()),
        )
        for split, (images, labels) in MNIST_FILES.items()
    }


def _read_idx(directory, name, item_shape):
    """Reads an IDX file of bytes: a header, then `(count, *item_shape)`."""
    directory = pathlib.Path(directory)
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rb") as file:
                data = file.read()
            break
    else:
        raise FileNotFoundError(
            f"Expected {name} or {name}.gz. Received: mnist_dir={directory}, "
            "which has neither. The four files are MNIST's own IDX files."
        )
    rank = 1 + len(item_shape)
    shape = np.frombuffer(data, ">u4", min(rank, len(data) // 4 - 1), 4)
    header = bytes([0, 0, 8, rank])
    fits = data[:4] == header and tuple(shape[1:]) == item_shape
    if not fits or len(data) != 4 + 4 * rank + np.prod(shape):
        raise ValueError(
            f"Expected an IDX file of bytes, items of shape {item_shape}. "
            f"Received: {path}, {len(data)} bytes, begins with "
            f"{data[:4].hex()}. Download it again."
        )
    items = np.frombuffer(data, np.uint8, offset=4 + 4 * rank)
    return items.reshape(tuple(shape))


def _load_uci():
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            "The embedded digits expect scikit-learn. Received: an "
            "environment without it. Run: pip install 'ac-keras[digits]'"
        ) from error
    uci = datasets.load_digits()
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
