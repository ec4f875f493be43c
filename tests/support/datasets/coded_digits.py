"""Digits that can be read off a frame again, whatever lies beneath.

Image `v` of digit `d` is black but for one pixel of full intensity, in row
`d` and column `v`. Noise made from `dim_images` has no such pixel.
"""

import numpy as np

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist

BRIGHT = 255
# How many images each digit has: of all sizes, for none is special.
COUNTS = (28, 20, 24, 28, 21, 22, 23, 28, 26, 25)


def make_digits(counts=COUNTS, seed=0):
    """All digits, in random order."""
    pairs = [(d, v) for d, count in enumerate(counts) for v in range(count)]
    order = np.random.default_rng(seed).permutation(len(pairs))
    labels, variants = np.array(pairs, np.uint8)[order].T
    images = np.zeros((len(pairs), 28, 28), np.uint8)
    images[np.arange(len(pairs)), labels, variants] = BRIGHT
    return Digits(images, labels)


def dim_images(levels=(0, 1, 90, 100)):
    """Images of no digit, with intensities of equal shares."""
    images = np.resize(np.array(levels, np.uint8), (10, 28, 28))
    return Digits(images, np.arange(10, dtype=np.uint8))


def gray_digits(intensity):
    """Ten images of one intensity everywhere."""
    images = np.full((10, 28, 28), intensity, np.uint8)
    return Digits(images, np.arange(10, dtype=np.uint8))


def make_maker(with_replacement=False):
    return FlashMnist(make_digits(), dim_images(), with_replacement)


def read_images(frames):
    """Which images lie on frames: bool `(..., 10, 28)`, digit and variant."""
    return frames[..., :10, :] == BRIGHT


def digits_of(label):
    """The digits of a class: the bits of its number."""
    return {d for d in range(10) if label // 2**d % 2}
