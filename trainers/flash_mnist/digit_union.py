"""The set of digits that single frames of Flash-MNIST show, by the CNN alone.

Digits flash for one frame each, so that the union of perfect decisions on
single frames would be the class. It is what pooling frames can be held against.
"""

import numpy as np

from ac_keras.datasets.flash_mnist import NUM_DIGITS

EVEN = 0.5  # the threshold of a digit that is as likely as all else together


def frame_probabilities(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Applies the CNN's last layer to local features.

    Args:
        features: Float `(clips, num_frames, dim)`, the ReLU units.
        kernel: Float `(dim, 11)`.
        bias: Float `(11,)`.

    Returns:
        float64 `(clips, num_frames, 11)`, ten digits and the empty frame.
    """
    logits = features.astype(np.float64) @ kernel + bias
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def decided_digits(probabilities: np.ndarray) -> np.ndarray:
    """Unites the frames' decisions: the digits that are some frame's likeliest.

    Args:
        probabilities: Float `(clips, num_frames, 11)`.

    Returns:
        bool `(clips, 10)`.
    """
    decisions = np.argmax(probabilities, axis=-1)
    return (decisions[..., None] == np.arange(NUM_DIGITS)).any(axis=1)


def highest_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Gives each digit's highest probability among a clip's frames.

    Args:
        probabilities: Float `(clips, num_frames, 11)`.

    Returns:
        Float `(clips, 10)`.
    """
    return probabilities[..., :NUM_DIGITS].max(axis=1)


def set_accuracy(found: np.ndarray, present: np.ndarray) -> float:
    """Gives the share of clips whose set is right in all ten digits.

    Args:
        found: bool `(clips, 10)`.
        present: bool `(clips, 10)`.
    """
    return float((found == present).all(axis=1).mean())


def digit_thresholds(highest: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Chooses each digit's threshold for the most clips right in that digit.

    Args:
        highest: Float `(clips, 10)`, from `highest_probabilities`.
        present: bool `(clips, 10)`.

    Returns:
        float64 `(10,)`; a digit is found where `highest` is above.
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
    """Moves thresholds for the most clips right in all digits together.

    One threshold at a time is set to its best, the others held, until none
    gains a clip. The accuracy of sets never falls on the way.

    Args:
        highest: Float `(clips, 10)`, from `highest_probabilities`.
        present: bool `(clips, 10)`.
        start: Float `(10,)`, the thresholds to begin with.

    Returns:
        float64 `(10,)`.
    """
    thresholds = np.array(start, np.float64)
    while True:
        before = thresholds.copy()
        for digit in range(NUM_DIGITS):
            others = np.arange(NUM_DIGITS) != digit
            right = (highest > thresholds) == present
            # Only these clips can still be won or lost by this digit.
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
    """Gives a digit's threshold of the most clips that are right in it.

    The current one, if none is better; of equals the one closest to it.
    """
    order = np.argsort(highest)
    values = np.concatenate([[0.0], highest[order], [1.0]])
    middles = (values[1:] + values[:-1]) / 2
    missed = np.concatenate([[0], np.cumsum(present[order])])
    refused = np.arange(len(middles)) - missed
    right = refused + present.sum() - missed
    right[middles >= values[1:]] = 0  # between equals, nothing is parted
    if right.max() <= np.sum((highest > current) == present):
        return current
    best = middles[right == right.max()]
    return float(best[np.argmin(np.abs(best - current))])
