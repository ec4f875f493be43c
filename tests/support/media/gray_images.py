"""Gray images, and features compared at their own scale."""

import numpy as np


def gray_images(channels, size=16, tint=0.0, num_images=3):
    """Random gray `(num_images, size, size, channels)`, plus the tint."""
    rng = np.random.default_rng(0)
    gray = rng.integers(20, 236, (num_images, size, size, 1))
    return (np.repeat(gray, channels, axis=3) + tint).astype(np.float32)


def assert_alike(found, expected, tolerance=1e-4):
    """Equal to a share of the range, in which the images do differ."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    spread = np.ptp(expected, axis=0).max()
    assert spread > 0.01 * np.abs(expected).max() > 0
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()
