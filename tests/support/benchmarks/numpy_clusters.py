"""Attention clusters and their gradients in NumPy and float64.

Dropout is left out.
"""

import numpy as np


def softmax(logits, axis):
    powers = np.exp(logits - logits.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def pool(frames, weights, name):
    """Eq. 4 and 7 in float64, with what their gradients need."""
    kernel, alpha, beta = (
        weights[f"{name}/{part}"].astype("float64")
        for part in ("kernel", "alpha", "beta")
    )
    scores = softmax(frames @ kernel, axis=1)  # (batch, frame, unit)
    pooled = np.einsum("bln,bld->bnd", scores, frames)
    shifted = alpha[:, None] * pooled + beta[:, None]
    norms = np.linalg.norm(shifted, axis=-1, keepdims=True)
    return scores, pooled, shifted / norms, norms * len(alpha) ** 0.5


def pool_gradients(frames, weights, name, arriving):
    """Computes a modality's gradients from that of its part of the feature."""
    scores, pooled, direction, scale = pool(frames, weights, name)
    arriving = arriving.reshape(pooled.shape)
    along = (arriving * direction).sum(-1, keepdims=True)
    shifted = (arriving - along * direction) / scale
    of_pooled = weights[f"{name}/alpha"][:, None] * shifted
    of_scores = np.einsum("bnd,bld->bln", of_pooled, frames)
    mean = (scores * of_scores).sum(1, keepdims=True)
    logits = scores * (of_scores - mean)
    return {
        f"{name}/kernel": np.einsum("bld,bln->dn", frames, logits),
        f"{name}/alpha": (shifted * pooled).sum((0, 2)),
        f"{name}/beta": shifted.sum((0, 2)),
    }


def classify(features, labels, weights):
    """Computes probabilities and the gradients of the mean cross entropy.

    Args:
        features: Frames `(batch, num_frames, dim)` by modality.
        labels: Integers `(batch,)`.
        weights: Arrays by the names of `Setting.weight_shapes`.

    Returns:
        Probabilities `(batch, num_classes)`, and gradients named as the
        weights are.
    """
    features = {k: x.astype("float64") for k, x in features.items()}
    parts = {}
    for name, frames in features.items():
        _, _, direction, _ = pool(frames, weights, name)
        units = direction / direction.shape[1] ** 0.5
        parts[name] = units.reshape(len(labels), -1)
    feature = np.concatenate(list(parts.values()), axis=1)
    kernel = weights["classifier/kernel"].astype("float64")
    probabilities = softmax(feature @ kernel + weights["classifier/bias"], 1)
    wrong = (probabilities - np.eye(len(kernel.T))[labels]) / len(labels)
    gradients = {
        "classifier/kernel": feature.T @ wrong,
        "classifier/bias": wrong.sum(0),
    }
    widths = np.cumsum([part.shape[1] for part in parts.values()])
    arriving = np.split(wrong @ kernel.T, widths[:-1], axis=1)
    for name, part in zip(parts, arriving, strict=True):
        gradients |= pool_gradients(features[name], weights, name, part)
    return probabilities, gradients
