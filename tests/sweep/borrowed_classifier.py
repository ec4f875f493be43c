"""Classifier and records in NumPy, as the tests of the programs have them."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "trainer_programs"))

from numpy_classifier import accuracy  # noqa: E402
from numpy_classifier import loss  # noqa: E402
from numpy_classifier import predict  # noqa: E402
from numpy_classifier import read_clips  # noqa: E402

__all__ = ["accuracy", "loss", "predict", "read_clips"]
