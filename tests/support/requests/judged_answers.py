"""Comparison of a server's answers with a float64 computation."""

import dataclasses

import numpy as np

from support.requests.good_requests import TOP_K
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DIMS

ATOL = 1e-4
NAMES = np.array([x.encode() for x in CLASS_NAMES], object)


def fault(answer, expected, classifier):
    """Returns what is wrong with an answer, "" if nothing is.

    Args:
        answer: An `Answer`.
        expected: An `Expected`.
        classifier: A `Float64Classifier`.
    """
    if answer.code == "DATA_LOSS" and expected.code == "INVALID_ARGUMENT":
        return ""  # Of a record that protobuf cannot read.
    if answer.code != expected.code:
        return f"{answer.code} for {expected.code}: {expected.reason}"
    if answer.code != "OK":
        return ""
    if set(answer.outputs) != expected.names:
        return f"outputs {set(answer.outputs)} for {expected.names}"
    clips = [classifier(frames) for frames in expected.clips]
    checks = {
        "probabilities": _check_probabilities(answer.outputs, clips),
        "best": _check_best(answer.outputs, clips),
        "attention": _check_attention(answer.outputs, clips, expected),
    }
    return " ".join(name for name, right in checks.items() if not right)


def undetermined(expected, classifier):
    """Returns whether some of an answer depends on float32 rounding."""
    return not all(classifier(x).determined for x in expected.clips or [])


def _near(served, clips, values):
    """Compares rows, other than of clips that float32 leaves open."""
    if served.shape != values.shape or not np.isfinite(served).all():
        return False
    determined = [clip.determined for clip in clips]
    return (abs(served - values)[determined] < ATOL).all()


def _check_probabilities(outputs, clips):
    if "probabilities" not in outputs:
        return True
    served = outputs["probabilities"]
    sums = abs(served.sum(axis=1) - 1) < ATOL
    values = np.array([clip.probabilities for clip in clips])
    return sums.all() and _near(served, clips, values)


def _check_best(outputs, clips):
    """Names and scores: best first, those of the model, of one accord."""
    values = np.array([clip.probabilities for clip in clips])
    best = -np.sort(-values, axis=1)[:, :TOP_K]
    right = True
    if "scores" in outputs:
        scores = outputs["scores"]
        right &= bool(_near(scores, clips, best))
        right &= bool((np.diff(scores, axis=1) <= 0).all())
    if "classes" in outputs:
        classes = outputs["classes"]
        labels = (classes[:, :, None] == NAMES).argmax(axis=2)
        right &= bool((NAMES[labels] == classes).all())
        right &= all(len(set(row)) == TOP_K for row in labels.tolist())
        named = np.take_along_axis(values, labels, axis=1)
        right &= bool(_near(named.astype("float32"), clips, best))
        if {"scores", "probabilities"} <= set(outputs):
            own = np.take_along_axis(outputs["probabilities"], labels, axis=1)
            right &= bool((own == outputs["scores"]).all())
    return right


def _check_attention(outputs, clips, expected):
    right = True
    for name in DIMS:
        if f"{name}_attention" not in outputs:
            continue
        num_slots = expected.num_slots[name]
        weights = [clip.attention[name] for clip in clips]
        values = np.array(
            [np.pad(x, ((0, 0), (0, num_slots - x.shape[1]))) for x in weights]
        )
        right &= bool(_near(outputs[f"{name}_attention"], clips, values))
    return right


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
    """The weights of a classifier of shifting clusters that standardizes."""

    def __init__(self, model):
        self._statistics = {
            name: [
                w.astype("float64")
                for w in model.get_layer(
                    f"{name}_standardization"
                ).get_weights()
            ]
            for name in model.modalities
        }
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
            mean, deviation = self._statistics[name]
            standardized = (frames[name] - mean) / deviation
            unit, attention[name], own_error = pool(standardized, *weights)
            units.append(unit.ravel())
            error = max(error, own_error)
        features = np.concatenate(units)
        probabilities = softmax(features @ self._kernel + self._bias)
        determined = error * self._gain < TOLERANCE
        return Clip(probabilities, attention, determined)


def pool(frames, kernel, alpha, beta):
    """Returns units `(num_units, dim)`, attention and an error of float32."""
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
