"""Tiny files in MNIST's format, made with struct alone."""

import gzip
import pathlib
import struct

import numpy as np

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
    path = pathlib.Path(directory) / name
    path.write_bytes(gzip.compress(data) if compress else data)
    return path


def write_all(directory, compress=False):
    """All four files."""
    for split, part in NAMES:
        data = idx_bytes(draw_items(split, part))
        write_idx(directory, split, part, data, compress)
