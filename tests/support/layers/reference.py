"""Attention Clusters, Eq. 1 to 7, in NumPy float64: plain, not fast.

Written from the paper (Long et al., CVPR 2018, section 3): one clip, one unit
and one frame at a time. A mask really removes frames. A unit is a dict of its
parameters under the paper's names: none (Eq. 3), `w` and `b` (Eq. 4), or `W1`,
`b1`, `w2` and `b2` (Eq. 5), and `alpha` and `beta` where it shifts (Eq. 7).
The biases inside the softmax, `b` and `b2`, are 0 where they are left out.
"""

import math

import numpy as np


def softmax(logits):
    largest = max(logits)
    exponentials = [math.exp(logit - largest) for logit in logits]
    total = sum(exponentials)
    return np.array([exponential / total for exponential in exponentials])


def weight_frames(clip, unit):
    """The vector `a`: one weight for each of the clip's frames."""
    if "W1" in unit:  # Eq. 5
        logits = []
        for x in clip:
            hidden = np.tanh(unit["W1"].T @ x + unit["b1"])
            logits.append(unit["w2"] @ hidden + unit.get("b2", 0.0))
        return softmax(logits)
    if "w" in unit:  # Eq. 4
        return softmax([unit["w"] @ x + unit.get("b", 0.0) for x in clip])
    return np.array([1 / len(clip) for _ in clip])  # Eq. 3


def weigh_and_sum(clip, weights):
    """Eq. 2: `v = X a`."""
    v = np.zeros(clip.shape[1])
    for weight, x in zip(weights, clip, strict=True):
        v += weight * x
    return v


def shift(v, unit, num_units):
    """Eq. 7; the zero vector, which has no direction, stays zero."""
    shifted = unit["alpha"] * v + unit["beta"]
    norm = math.sqrt(sum(shifted**2))
    if norm == 0:
        return np.zeros_like(v)
    return shifted / (math.sqrt(num_units) * norm)


def pool_clip(clip, units):
    """Eq. 6: the outputs of all units, one after the other."""
    outputs = []
    for unit in units:
        v = weigh_and_sum(clip, weight_frames(clip, unit))
        if "alpha" in unit:
            v = shift(v, unit, len(units))
        outputs.append(v)
    return np.concatenate(outputs)


def pool(frames, units, mask=None):
    """Pools every clip of `(batch, num_frames, dim)`."""
    return np.stack(
        [
            pool_clip(clip, units)
            if len(clip)
            else np.zeros(len(units) * frames.shape[-1])
            for clip in kept_frames(frames, mask)
        ]
    )


def attention_scores(frames, units, mask=None):
    """Weights `(batch, num_units, num_frames)`; a removed frame has 0."""
    batch, num_frames, _ = frames.shape
    mask = np.ones((batch, num_frames), bool) if mask is None else mask
    scores = np.zeros((batch, len(units), num_frames))
    for i, clip in enumerate(kept_frames(frames, mask)):
        for k, unit in enumerate(units):
            if len(clip):
                scores[i, k, mask[i]] = weight_frames(clip, unit)
    return scores


def kept_frames(frames, mask=None):
    frames = np.asarray(frames, "float64")
    if mask is None:
        return list(frames)
    return [clip[keep] for clip, keep in zip(frames, mask, strict=True)]


def pool_like(layer, frames, mask=None):
    """Pools as a cluster or an AttentionUnit must, from its weights."""
    units = units_of(weights_of(layer), getattr(layer, "num_units", 1))
    return pool(frames, units, mask)


def weights_of(layer):
    """Returns a layer's weights by name, in float64."""
    return {w.name: np.asarray(w.numpy(), "float64") for w in layer.weights}


def units_of(weights, num_units):
    """Splits the weights of a cluster into its units' parameters."""
    return [unit_of(weights, k, num_units) for k in range(num_units)]


def unit_of(weights, k, num_units):
    unit = {}
    if "hidden_kernel" in weights:
        size = len(weights["hidden_bias"]) // num_units
        columns = slice(k * size, (k + 1) * size)
        unit["W1"] = weights["hidden_kernel"][:, columns]
        unit["b1"] = weights["hidden_bias"][columns]
        unit["w2"] = weights["kernel"][:, k]
    elif "kernel" in weights:
        unit["w"] = weights["kernel"][:, k]
    for scalar in {"alpha", "beta"} & set(weights):
        unit[scalar] = weights[scalar][k]
    return unit
