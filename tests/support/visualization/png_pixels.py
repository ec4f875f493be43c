"""Where in a PNG something is drawn."""

import numpy as np
from matplotlib import image


def read_png(path):
    """The pixels' red, green and blue, floats `(height, width, 3)`."""
    return image.imread(path)[:, :, :3]


def changed_box(picture, other):
    """Rows and columns in which two pictures differ, as two slices."""
    assert picture.shape == other.shape
    changed = np.abs(picture - other).max(axis=2) > 0.02
    assert changed.any(), "the pictures are the same"
    return tuple(
        slice(int(where[0]), int(where[-1]) + 1)
        for where in (
            np.flatnonzero(changed.any(axis=1)),
            np.flatnonzero(changed.any(axis=0)),
        )
    )


def is_color(picture, color, tolerance=0.02):
    """Which pixels have a colour, bool `(height, width)`."""
    return np.abs(picture - np.asarray(color)).max(axis=2) < tolerance
