"""A classifier's answer in float64, and how far float32 may be from it."""

import dataclasses

import numpy as np

# Of a bound that takes the worst of each rounding; errors are far below it.
TOLERANCE = 1e-2
EPSILON = 2.0**-23


@dataclasses.dataclass
class Clip:
    """Probabilities, attention by modality, and whether float32 fixes them.

    Attention to frames of vast features jumps with the last bit of a logit:
    such a clip is not `determined`.
    """

    probabilities: np.ndarray
    attention: dict
    determined: bool


class Float64Classifier:
    """The weights of a classifier of shifting clusters."""

    def __init__(self, model):
        clusters = model.get_layer("clusters").clusters
        self._weights = {
            name: [w.astype("float64") for w in layer.get_weights()]
            for name, layer in clusters.items()
        }
        kernel, bias = model.get_layer("logits").get_weights()
        self._kernel, self._bias = kernel.astype("float64"), bias
        self._gain = abs(self._kernel).sum(axis=0).max()

    def __call__(self, frames):
        """Answers one clip, float64 `(num_frames, dim)` by modality."""
        units, attention, error = [], {}, 0.0
        for name, weights in self._weights.items():
            unit, attention[name], own_error = pool(frames[name], *weights)
            units.append(unit.ravel())
            error = max(error, own_error)
        features = np.concatenate(units)
        probabilities = softmax(features @ self._kernel + self._bias)
        determined = error * self._gain < TOLERANCE
        return Clip(probabilities, attention, determined)


def pool(frames, kernel, alpha, beta):
    """Gives units `(num_units, dim)`, attention and an error of float32."""
    num_units, dim = len(alpha), len(kernel)
    if not len(frames):
        return np.zeros((num_units, dim)), np.zeros((num_units, 0)), 0.0
    logits = (frames @ kernel).T
    attention = softmax(logits)
    shifted = alpha[:, None] * (attention @ frames) + beta[:, None]
    norm = np.linalg.norm(shifted, axis=1, keepdims=True)
    # What rounding does to a logit multiplies a weight by up to exp(2 error).
    rounding = dim * EPSILON * (abs(frames) @ abs(kernel)).max(axis=0)
    with np.errstate(all="ignore"):
        moved = np.log(attention) + np.log(np.expm1(2 * rounding))[:, None]
        moved = np.exp(np.minimum(np.nan_to_num(moved, nan=0), 0))
    moved[np.arange(num_units), attention.argmax(axis=1)] = 0
    moved = moved.sum(axis=1) + dim * EPSILON
    error = (moved * abs(alpha) * abs(frames).max() / norm[:, 0]).max()
    return shifted / (norm * num_units**0.5), attention, error


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)
