"""Unions of decisions on single frames, against loops and brute force."""

import math

import keras
import numpy as np
import pytest

import digit_union
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.datasets.flash_mnist import present_digits
from ac_keras.models import frame_cnn

ALL_DIGITS = range(10)


def draw_probabilities(clips=300, num_frames=7, seed=0):
    """Probabilities of which many are the highest of their frame by little."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(11, 0.4), (clips, num_frames))


def draw_clips(clips=400, seed=0):
    """Highest probabilities and digits that are likelier the higher they are.

    Each digit has a bias, which a threshold of 0.5 is wrong about. A third of
    the clips are vague and biased otherwise: they lose their sets whatever
    the thresholds, which only those for sets can know.
    """
    rng = np.random.default_rng(seed)
    present = rng.random((clips, 10)) < 0.5
    logits = rng.normal(4.0 * present - 2, 1) + rng.normal(0, 1.5, 10)
    vague = rng.random((clips, 1)) < 1 / 3
    logits += vague * rng.normal(2, 3, logits.shape)
    return 1 / (1 + np.exp(-logits)), present


def num_right(column, present, threshold):
    return np.count_nonzero((column > threshold) == present)


def every_threshold(column):
    """One below, one above and one between each two neighbours."""
    values = sorted({0.0, *column, 1.0})
    return [sum(pair) / 2 for pair in zip(values, values[1:], strict=False)]


def test_digits_that_are_present_are_those_of_the_classes_name():
    present = present_digits(np.arange(1024))
    for name, digits in zip(class_names(), present, strict=True):
        listed = ",".join(str(d) for d in ALL_DIGITS if digits[d])
        assert name == "{" + listed + "}"


def test_probabilities_are_the_cnns_own():
    keras.utils.set_random_seed(0)
    cnn = frame_cnn()
    both = keras.Model(
        cnn.inputs[0], [cnn.get_layer("features").output, cnn.outputs[0]]
    )
    frames = np.random.default_rng(0).random((50, 28, 28, 1), np.float32)
    features, expected = map(np.asarray, both(frames))
    given = digit_union.frame_probabilities(
        features.reshape(2, 25, 50), *cnn.layers[-1].get_weights()
    )
    assert np.ptp(expected, axis=0).max() > 1e-3  # frames differ
    np.testing.assert_allclose(given, expected.reshape(2, 25, 11), rtol=1e-5)


def test_large_logits_give_certainty_rather_than_nan():
    features = np.array([[[1e4, 0.0]]], np.float32)
    kernel, bias = np.zeros((2, 11)), np.zeros(11)
    kernel[0, 4] = 1
    given = digit_union.frame_probabilities(features, kernel, bias)
    np.testing.assert_array_equal(given[0, 0], np.eye(11)[4])


def test_the_union_is_that_of_the_likeliest_digits_of_all_frames():
    probabilities = draw_probabilities()
    decided = digit_union.decided_digits(probabilities)
    for digits, clip in zip(decided, probabilities, strict=True):
        united = {int(np.argmax(frame)) for frame in clip} - {10}
        assert set(np.flatnonzero(digits)) == united
    empty = np.tile(np.eye(11)[10], (3, 25, 1))
    empty[1, 6] = np.eye(11)[2]
    assert np.argwhere(digit_union.decided_digits(empty)).tolist() == [[1, 2]]


def test_the_highest_probability_is_looked_for_in_all_frames():
    probabilities = draw_probabilities(clips=20)
    highest = digit_union.highest_probabilities(probabilities)
    expected = [
        [max(frame[digit] for frame in clip) for digit in ALL_DIGITS]
        for clip in probabilities
    ]
    np.testing.assert_array_equal(highest, expected)


def test_a_set_is_right_with_all_its_digits_only():
    present = np.zeros((4, 10), bool)
    present[:, 3] = True
    found = present.copy()
    found[0, 9] = True
    found[2, [1, 3]] = True, False
    assert digit_union.set_accuracy(found, present) == 0.5


def test_no_other_threshold_has_more_clips_right_in_its_digit():
    highest, present = draw_clips()
    thresholds = digit_union.digit_thresholds(highest, present)
    assert np.ptp(thresholds) > 0.1
    for digit in ALL_DIGITS:
        column, there = highest[:, digit], present[:, digit]
        most = max(num_right(column, there, x) for x in every_threshold(column))
        assert num_right(column, there, thresholds[digit]) == most
        assert most > num_right(column, there, 0.5)


@pytest.mark.parametrize(
    "highest, present, expected",
    [
        ([0.1, 0.6, 0.7, 0.9], [0, 0, 1, 1], 0.65),  # the closest to even
        ([0.1, 0.4, 0.7, 0.9], [0, 0, 1, 1], 0.5),  # cannot be better
        ([0.3] * 6, [1, 1, 1, 1, 0, 0], 0.15),  # equal ones are not parted
        ([1.0] * 6, [0] * 6, 0.5),  # certain: found at any threshold
    ],
)
def test_of_the_best_thresholds_the_one_closest_to_even_is_taken(
    highest, present, expected
):
    thresholds = digit_union.digit_thresholds(
        np.tile(np.array(highest)[:, None], 10),
        np.tile(np.array(present, bool)[:, None], 10),
    )
    np.testing.assert_allclose(thresholds, expected, rtol=1e-15)


@pytest.mark.parametrize("there", [False, True])
def test_a_digit_that_is_never_or_always_there_is_so_found(there):
    highest = draw_clips()[0]
    present = np.full(highest.shape, there)
    thresholds = digit_union.digit_thresholds(highest, present)
    np.testing.assert_array_equal(highest > thresholds, present)


def test_thresholds_for_sets_have_more_sets_right():
    highest, present = draw_clips()
    by_digit = digit_union.digit_thresholds(highest, present)
    start = by_digit.copy()
    by_set = digit_union.set_thresholds(highest, present, start)
    np.testing.assert_array_equal(start, by_digit)  # It is left as it is.
    before = digit_union.set_accuracy(highest > by_digit, present)
    after = digit_union.set_accuracy(highest > by_set, present)
    assert after > before > 0.1


def test_no_single_threshold_can_gain_a_set_after_that():
    highest, present = draw_clips(clips=150)
    thresholds = digit_union.set_thresholds(highest, present, np.full(10, 0.5))
    reached = digit_union.set_accuracy(highest > thresholds, present)
    for digit in ALL_DIGITS:
        for other in every_threshold(highest[:, digit]):
            tried = thresholds.copy()
            tried[digit] = other
            accuracy = digit_union.set_accuracy(highest > tried, present)
            assert accuracy <= reached or math.isclose(accuracy, reached)
