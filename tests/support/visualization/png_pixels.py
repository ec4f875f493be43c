"""Pixels of PNG files."""

import numpy as np
from matplotlib import image


def read_png(path):
    """Reads the pixels' red, green and blue, floats `(height, width, 3)`."""
    return image.imread(path)[:, :, :3]


def changed_box(plot, other):
    """Returns rows and columns in which two plots differ, as two slices."""
    assert plot.shape == other.shape
    changed = np.abs(plot - other).max(axis=2) > 0.02
    assert changed.any(), "the plots are the same"
    return tuple(
        slice(int(where[0]), int(where[-1]) + 1)
        for where in (
            np.flatnonzero(changed.any(axis=1)),
            np.flatnonzero(changed.any(axis=0)),
        )
    )


def is_color(plot, color, tolerance=0.02):
    """Returns which pixels have a colour, bool `(height, width)`."""
    return np.abs(plot - np.asarray(color)).max(axis=2) < tolerance
