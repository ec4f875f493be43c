"""Datasets that are made rather than collected."""

from ac_keras.datasets.digits import Digits
from ac_keras.datasets.digits import load_digits
from ac_keras.datasets.flash_mnist import FlashMnist
from ac_keras.datasets.flash_mnist import FrameDigits

__all__ = ["Digits", "FlashMnist", "FrameDigits", "load_digits"]
