"""Random weights on frames of random kinds, and their statistics by loops."""

import math

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
    """Computes the Jensen-Shannon divergence term by term."""
    total = 0.0
    for a, b in zip(p, q, strict=True):
        for x in (a, b):
            if x > 0:
                total += x * math.log(x / ((a + b) / 2)) / 2
    return total


def mean_divergence(weights):
    """Computes the mean over all clips and pairs of units."""
    values = [
        divergence(clip[i], clip[j])
        for clip in weights.tolist()
        for i in range(len(clip))
        for j in range(i)
    ]
    return math.fsum(values) / len(values)


def table_of(weights, kinds):
    """Computes the mean weight on the frames of a kind, frame by frame."""
    num_frames, num_kinds = kinds.shape[1:]
    table = np.full((num_kinds, weights.shape[1]), np.nan)
    for kind, unit in np.ndindex(table.shape):
        sums = [
            sum(clip[unit][x] for x in range(num_frames) if frames[x][kind])
            for clip, frames in zip(weights, kinds, strict=True)
            if any(frames[x][kind] for x in range(num_frames))
        ]
        if sums:
            table[kind, unit] = math.fsum(sums) / len(sums)
    return table
