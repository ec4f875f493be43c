"""Attention Clusters, Eq. 1 to 7, in NumPy float64: plain, not fast.

Written from the paper (Long et al., CVPR 2018, section 3): one clip and one
unit at a time. A mask really removes frames. A unit is a dict of its
parameters under the paper's names: none (Eq. 3), `w` and `b` (Eq. 4), or `W1`,
`b1`, `w2` and `b2` (Eq. 5), and `alpha` and `beta` where it shifts (Eq. 7).
The biases inside the softmax, `b` and `b2`, are 0 where they are left out.
"""

import numpy as np


def softmax(logits):
    exponentials = np.exp(logits - np.max(logits))
    return exponentials / exponentials.sum()


def weight_frames(clip, unit):
    """The vector `a`: one weight for each of the clip's frames."""
    logits = np.zeros(len(clip))  # Eq. 3
    if "W1" in unit:  # Eq. 5
        hidden = np.tanh(clip @ unit["W1"] + unit["b1"])
        logits = hidden @ unit["w2"] + unit.get("b2", 0.0)
    elif "w" in unit:  # Eq. 4
        logits = clip @ unit["w"] + unit.get("b", 0.0)
    return softmax(logits)


def shift(v, unit, num_units):
    """Eq. 7; the zero vector, which has no direction, stays zero."""
    shifted = unit["alpha"] * v + unit["beta"]
    norm = np.linalg.norm(shifted)
    return shifted / (np.sqrt(num_units) * norm) if norm else shifted


def pool_clip(clip, units):
    """Eq. 6: the outputs of all units, one after the other."""
    if not len(clip):
        return np.zeros(len(units) * clip.shape[1])
    outputs = []
    for unit in units:
        v = weight_frames(clip, unit) @ clip  # Eq. 2
        outputs.append(shift(v, unit, len(units)) if "alpha" in unit else v)
    return np.concatenate(outputs)


def pool(frames, units, mask=None):
    """Pools every clip of `(batch, num_frames, dim)`."""
    return np.stack([pool_clip(x, units) for x in kept_frames(frames, mask)])


def attention_scores(frames, units, mask):
    """Weights `(batch, num_units, num_frames)`; a removed frame has 0."""
    scores = np.zeros((len(frames), len(units), frames.shape[1]))
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
