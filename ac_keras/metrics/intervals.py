"""Intervals of metrics that were measured on a sample of clips."""

import math
from collections.abc import Mapping

import numpy as np

QUANTILE = 1.959964  # of the normal distribution, at 97.5 %
RESAMPLES = 2000
SHARES_OF_CLIPS = ("accuracy", "top_5_accuracy", "hit_at_1", "perr")


def metric_intervals(
    metrics: Mapping[str, float],
    num_clips: int,
    confusion: np.ndarray | None = None,
) -> dict[str, list[float]]:
    """Computes the 95 % intervals of a split's metrics.

    Args:
        metrics: Values by name. `accuracy`, `top_5_accuracy`, `hit_at_1` and
            `perr` receive a Wilson interval; that of `perr`, the mean of a
            share of each clip, is wide rather than narrow.
            `per_class_accuracy` receives a bootstrap interval. Others, and
            values that are not finite, receive none.
        num_clips: Number of clips in the split.
        confusion: Integers `(num_classes, num_classes)`, true class by
            predicted class, for `per_class_accuracy`.

    Returns:
        Pairs of the lower and the upper limit, under `NAME_interval`.
    """
    found = {}
    for name, value in metrics.items():
        if not math.isfinite(value):
            continue
        if name in SHARES_OF_CLIPS:
            found[f"{name}_interval"] = wilson_interval(value, num_clips)
        elif name == "per_class_accuracy" and confusion is not None:
            found[f"{name}_interval"] = per_class_interval(confusion)
    return found


def wilson_interval(share: float, num_clips: int) -> list[float]:
    """Computes the 95 % interval of a share of clips.

    Args:
        share: Share of the clips, from 0 to 1.
        num_clips: Number of clips, 1 or more.

    Returns:
        The lower and the upper limit, within 0 and 1.

    Raises:
        ValueError: If the share is not one, or there is no clip.

    References:
        Wilson, Probable inference, the law of succession, and statistical
        inference, 1927.
    """
    if not 0 <= share <= 1 or num_clips < 1:
        raise ValueError(
            "wilson_interval expects a share from 0 to 1 and at least one "
            f"clip. Received: share={share}, num_clips={num_clips}."
        )
    square = QUANTILE**2 / num_clips
    center = share + square / 2
    variance = share * (1 - share) / num_clips
    half = QUANTILE * math.sqrt(variance + square / (4 * num_clips))
    low, high = (center - half) / (1 + square), (center + half) / (1 + square)
    return [max(low, 0.0), min(high, 1.0)]


def per_class_interval(confusion: np.ndarray, seed: int = 0) -> list[float]:
    """Computes the 95 % bootstrap interval of the per-class accuracy.

    Clips are drawn with replacement from each class, so that every class
    keeps its number of clips.

    Args:
        confusion: Integers `(num_classes, num_classes)`, true class by
            predicted class.
        seed: Integer, seed of the draws.

    Returns:
        The 2.5 % and the 97.5 % percentile of 2,000 draws.
    """
    confusion = np.asarray(confusion)
    counts = confusion.sum(axis=1)
    occurred = counts > 0
    counts, right = counts[occurred], np.diagonal(confusion)[occurred]
    draws = np.random.default_rng(seed).binomial(
        counts, right / counts, (RESAMPLES, len(counts))
    )
    means = (draws / counts).mean(axis=1)
    return [float(x) for x in np.percentile(means, [2.5, 97.5])]
