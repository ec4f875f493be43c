"""Whether a server's answer is what its contract owes."""

import numpy as np

from support.requests.good_requests import TOP_K
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DIMS

ATOL = 1e-4
NAMES = np.array([x.encode() for x in CLASS_NAMES], object)


def fault(answer, expected, classifier):
    """Gives what is wrong with an answer, "" if nothing is.

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
    """Says whether float32 leaves some of an answer open."""
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
        values = np.zeros(
            (
                len(clips),
                len(clips[0].attention[name]),
                expected.num_slots[name],
            )
        )
        for row, clip in enumerate(clips):
            weights = clip.attention[name]
            values[row, :, : weights.shape[1]] = weights
        right &= bool(_near(outputs[f"{name}_attention"], clips, values))
    return right
