"""Set of digits in a clip of Flash-MNIST, by the frame CNN alone.

Digits flash for one frame each, so the union of perfect decisions on single
frames would be the class. Its accuracy is a reference for pooling of frames.
"""

import numpy as np

from ac_keras.datasets.flash_mnist import NUM_DIGITS

EVEN = 0.5  # first threshold of a digit: as probable as all else together


def frame_probabilities(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Applies the last layer of the CNN to local features.

    Args:
        features: Float `(clips, num_frames, dim)`, outputs of ReLU units.
        kernel: Float `(dim, 11)`.
        bias: Float `(11,)`.

    Returns:
        float64 `(clips, num_frames, 11)`: ten digits and the empty frame.
    """
    logits = features.astype(np.float64) @ kernel + bias
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def decided_digits(probabilities: np.ndarray) -> np.ndarray:
    """Finds the digits that are the most probable class of some frame.

    Args:
        probabilities: Float `(clips, num_frames, 11)`.

    Returns:
        bool `(clips, 10)`.
    """
    decisions = np.argmax(probabilities, axis=-1)
    return (decisions[..., None] == np.arange(NUM_DIGITS)).any(axis=1)


def highest_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Returns the highest probability of each digit over the frames of a clip.

    Args:
        probabilities: Float `(clips, num_frames, 11)`.

    Returns:
        Float `(clips, 10)`.
    """
    return probabilities[..., :NUM_DIGITS].max(axis=1)


def set_accuracy(found: np.ndarray, present: np.ndarray) -> float:
    """Returns the share of clips that are right in all ten digits.

    Args:
        found: bool `(clips, 10)`, the digits found.
        present: bool `(clips, 10)`, the digits that are present.
    """
    return float((found == present).all(axis=1).mean())


def digit_thresholds(highest: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Chooses the threshold of each digit that is right in the most clips.

    Args:
        highest: Float `(clips, 10)`, from `highest_probabilities`.
        present: bool `(clips, 10)`.

    Returns:
        float64 `(10,)`; a digit is found where `highest` exceeds it.
    """
    return np.array(
        [
            _best_threshold(highest[:, digit], present[:, digit], EVEN)
            for digit in range(NUM_DIGITS)
        ]
    )


def set_thresholds(
    highest: np.ndarray, present: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Chooses thresholds that are right in all digits of the most clips.

    One threshold at a time is set to its best value while the others are kept,
    until no change gains a clip. The accuracy of sets never decreases.

    Args:
        highest: Float `(clips, 10)`, from `highest_probabilities`.
        present: bool `(clips, 10)`.
        start: Float `(10,)`, initial thresholds.

    Returns:
        float64 `(10,)`.
    """
    thresholds = np.array(start, np.float64)
    while True:
        before = thresholds.copy()
        for digit in range(NUM_DIGITS):
            others = np.arange(NUM_DIGITS) != digit
            right = (highest > thresholds) == present
            # This digit decides only clips that are right in all others.
            open_clips = right[:, others].all(axis=1)
            thresholds[digit] = _best_threshold(
                highest[open_clips, digit],
                present[open_clips, digit],
                thresholds[digit],
            )
        if (thresholds == before).all():
            return thresholds


def _best_threshold(
    highest: np.ndarray, present: np.ndarray, current: float
) -> float:
    """Returns the threshold of a digit that is right in the most clips.

    It is the current one unless another is better, and the closest to the
    current one of several that are equally good.
    """
    order = np.argsort(highest)
    values = np.concatenate([[0.0], highest[order], [1.0]])
    middles = (values[1:] + values[:-1]) / 2
    missed = np.concatenate([[0], np.cumsum(present[order])])
    refused = np.arange(len(middles)) - missed
    right = refused + present.sum() - missed
    right[middles >= values[1:]] = 0  # it cannot divide equal values
    if right.max() <= np.sum((highest > current) == present):
        return current
    best = middles[right == right.max()]
    return float(best[np.argmin(np.abs(best - current))])
