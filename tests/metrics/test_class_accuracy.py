"""Accuracy by class, and the confusion matrix."""

import numpy as np
import pytest

from ac_keras.metrics import PerClassAccuracy
from support.metrics import metric_definitions

CLASSES = np.array([0, 0, 0, 2, 2, 3])
CHOSEN = np.array([0, 1, 0, 2, 0, 2])
SCORES = np.eye(4)[CHOSEN]


@pytest.fixture
def metric():
    metric = PerClassAccuracy(4)
    metric.update_state(CLASSES[:4], SCORES[:4])
    metric.update_state(CLASSES[4:, None], SCORES[4:])
    return metric


def test_the_mean_leaves_out_classes_that_did_not_occur(metric):
    assert float(metric.result()) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    expected = metric_definitions.per_class_accuracy(CLASSES, SCORES)
    assert float(metric.result()) == pytest.approx(expected)


def test_absent_classes_have_nan_for_accuracy(metric):
    expected = [2 / 3, np.nan, 1 / 2, 0]
    np.testing.assert_allclose(metric.accuracies(), expected, rtol=1e-6)


def test_the_confusion_matrix_has_true_classes_in_rows(metric):
    matrix = metric.confusion_matrix()
    assert np.issubdtype(matrix.dtype, np.integer)
    expected = [[2, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0]]
    np.testing.assert_array_equal(matrix, expected)


def test_weights_count_in_accuracies_and_zero_leaves_a_video_out():
    metric = PerClassAccuracy(2)
    scores = np.eye(2)[[0, 1, 0, 1]]
    metric.update_state([0, 0, 0, 1], scores, sample_weight=[3, 1, 0, 2])
    np.testing.assert_allclose(metric.accuracies(), [3 / 4, 1])
    np.testing.assert_array_equal(metric.confusion_matrix(), [[1, 1], [0, 1]])


@pytest.mark.parametrize("label, score", [(0, np.nan), (4, 0.5), (-1, 0.5)])
def test_a_video_that_cannot_be_counted_shows(label, score):
    metric = PerClassAccuracy(4)
    metric.update_state([label], np.full((1, 4), score))
    assert np.isnan(float(metric.result()))
    for read in (metric.accuracies, metric.confusion_matrix):
        with pytest.raises(ValueError, match="(?s)expects.*Received: 1 videos"):
            read()
    metric.reset_state()
    metric.update_state([1], [[0.0, 1.0, 0.0, 0.0]])
    assert float(metric.result()) == 1.0


def test_a_single_class_has_arrays_too():
    metric = PerClassAccuracy(1)
    metric.update_state([0, 0], [[0.5], [0.1]])
    assert metric.accuracies().tolist() == [1.0]
    assert metric.confusion_matrix().tolist() == [[2]]
