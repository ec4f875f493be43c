"""A small Flash-MNIST, as the tests of visualization have it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "visualization"))

from attended_frames import mean_divergence  # noqa: E402
from flashed_dataset import FLASHED  # noqa: E402
from flashed_dataset import expected_weights  # noqa: E402
from flashed_dataset import make_model  # noqa: E402
from flashed_dataset import write_dataset  # noqa: E402

__all__ = [
    "FLASHED",
    "expected_weights",
    "make_model",
    "mean_divergence",
    "write_dataset",
]
