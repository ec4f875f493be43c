"""Random labels and scores."""

import numpy as np


def scored_videos(rng, num_videos, num_classes, rate=0.3, levels=0):
    """Labels, of which some rows and columns are empty, and their scores.

    Args:
        rng: NumPy generator.
        num_videos: Number of rows.
        num_classes: Number of columns.
        rate: How likely a label is.
        levels: Number of different scores; 0 makes nearly all different.

    Returns:
        Float32 labels and scores.
    """
    shape = (num_videos, num_classes)
    labels = rng.random(shape) < rate
    labels &= rng.random((num_videos, 1)) < 0.8
    labels &= rng.random((1, num_classes)) < 0.8
    scores = rng.normal(size=shape) + 0.8 * labels
    if levels:
        scores = np.floor(scores * levels / 6)
    return labels.astype("float32"), scores.astype("float32")


def in_batches(rng, num_videos):
    """Slices of random sizes that cover all videos."""
    ends = rng.integers(0, num_videos + 1, size=rng.integers(0, 4))
    ends = [0, *sorted(set(ends) - {0, num_videos}), num_videos]
    return [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]
