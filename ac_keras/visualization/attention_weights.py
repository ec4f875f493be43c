"""Attention weights: what they must be, and their entropy."""

import numpy as np

TOLERANCE = 0.05  # of a sum of weights in bfloat16


def checked_weights(weights: np.ndarray, num_units: int) -> np.ndarray:
    """Makes weights distributions in float64.

    Args:
        weights: Floats `(batch, num_units, num_frames)`: each unit's sum up
            to 1, but for rounding, or all are 0 where a clip has no frame.
        num_units: How many units there are to be.

    Returns:
        float64 of the same shape; each unit's sum up to 1, or all are 0.

    Raises:
        ValueError: If they are something else.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 3 or weights.shape[1] != num_units:
        raise ValueError(
            f"Expected attention (batch, {num_units}, num_frames) of "
            f"{num_units} units. Received: weights of shape {weights.shape}. "
            "Take one modality's from a model of `attention_model`."
        )
    totals = weights.sum(axis=2, keepdims=True)
    absent = (totals == 0).all(axis=1, keepdims=True)
    sums_fit = absent | (np.abs(totals - 1) <= TOLERANCE)
    if not (np.all(weights >= 0) and np.all(sums_fit)):  # refuses NaN, too
        raise ValueError(
            "Expected attention weights of 0 or more, each unit's summing up "
            f"to 1. Received: weights from {weights.min():.4g} and sums from "
            f"{totals.min():.4g} to {totals.max():.4g}. Give what the softmax "
            "gives, not its logits."
        )
    return weights / np.where(absent, 1, totals)


def weights_entropy(weights: np.ndarray) -> np.ndarray:
    """Computes entropies over the last axis, in nats."""
    logarithms = np.log(np.where(weights > 0, weights, 1.0))
    return -(weights * logarithms).sum(axis=-1)
