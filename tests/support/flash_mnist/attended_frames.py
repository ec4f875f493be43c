"""Random weights on frames of random kinds, and their statistics by loops."""

import itertools

import numpy as np

CLIPS, UNITS, FRAMES, KINDS = 7, 4, 6, 3


def draw_weights(seed=0, clips=CLIPS):
    """Draws peaked weights, of which some are 0."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(size=(clips, UNITS, FRAMES)) ** 6
    weights *= rng.random(weights.shape) < 0.8
    weights[:, :, 0] += 0.01
    return weights / weights.sum(axis=2, keepdims=True)


def draw_kinds(seed=1, clips=CLIPS):
    """Draws one or two kinds for each frame; a clip may lack kinds."""
    rng = np.random.default_rng(seed)
    kinds = np.eye(KINDS, dtype=bool)[rng.integers(0, KINDS, (clips, FRAMES))]
    kinds |= rng.random(kinds.shape) < 0.1
    kinds[0] = [True] + [False] * (KINDS - 1)
    return kinds


def divergence(p, q):
    """Computes the Jensen-Shannon divergence of two distributions."""
    mean = (p + q) / 2
    return sum(
        np.sum(x[x > 0] * np.log(x[x > 0] / mean[x > 0])) / 2 for x in (p, q)
    )


def mean_divergence(weights):
    """Computes the mean over all clips and pairs of units."""
    return np.mean(
        [
            divergence(*pair)
            for clip in np.asarray(weights, np.float64)
            for pair in itertools.combinations(clip, 2)
        ]
    )


def table_of(weights, kinds):
    """Computes the mean weight on the frames of a kind, clip by clip."""
    table = np.full((kinds.shape[2], weights.shape[1]), np.nan)
    for kind, unit in np.ndindex(table.shape):
        sums = [
            clip[unit, frames].sum()
            for clip, frames in zip(weights, kinds[:, :, kind], strict=True)
            if frames.any()
        ]
        if sums:
            table[kind, unit] = np.mean(sums)
    return table
