"""Values of the metrics, by hand and against their definitions."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.metrics import GlobalAveragePrecision
from ac_keras.metrics import HitAtOne
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PerClassAccuracy
from ac_keras.metrics import PrecisionAtEqualRecallRate
from support.metrics import metric_definitions
from support.metrics.metric_definitions import defined_values
from support.metrics.metric_definitions import make_metrics
from support.metrics.metric_definitions import scored_videos

LABELS = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
SCORES = np.array(
    [[0.9, 0.8, 0.4, 0.1], [0.7, 0.6, 0.3, 0.2], [0.75, 0.05, 0.0, 0.65]]
)


def value_of(metric, labels=LABELS, scores=SCORES):
    metric.update_state(labels, scores)
    return float(metric.result())


def plain_precision_at_hits(hits):
    places = [place for place, hit in enumerate(hits, 1) if hit]
    return sum(found / place for found, place in enumerate(places, 1))


@pytest.mark.parametrize("hits", itertools.product((0, 1), repeat=5))
@pytest.mark.parametrize("scores", [(2, 2, 2, 2, 2), (3, 2, 2, 2, 1)])
def test_the_references_ties_are_the_mean_over_all_orders(hits, scores):
    in_order = [
        plain_precision_at_hits([hits[i] for i in order])
        for order in itertools.permutations(range(5))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]
    received = metric_definitions.precision_at_hits(hits, scores)
    assert received == pytest.approx(np.mean(in_order), abs=1e-12)


EQUALS = [[1], [0], [0]], np.full((3, 1), 0.5)
BY_HAND = {
    "a video without labels is a miss": (HitAtOne(), 1 / 3),
    # 1 of 2 labels in the first video's best two; the second's best is wrong.
    "videos without labels do not count": (PrecisionAtEqualRecallRate(), 0.25),
    # The pool in order: .9 hit, .8, .75, .7, .65, .6 hit; .4 is not in it.
    "labels outside the pool count": (
        GlobalAveragePrecision(top_k=2),
        (1 / 1 + 2 / 6) / 3,
    ),
    # Class 0: first of three. Class 1: second. Class 2: first. Class 3: none.
    "classes without labels do not count": (
        MeanAveragePrecision(4),
        (1 + 1 / 2 + 1) / 3,
    ),
    # One hit of three equals: at place 1, 2 or 3, each as likely.
    "equal scores are in all orders": (
        MeanAveragePrecision(1),
        (1 + 1 / 2 + 1 / 3) / 3,
        *EQUALS,
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_values_by_hand(case):
    metric, expected, *videos = BY_HAND[case]
    metric.reset_state()
    assert value_of(metric, *videos) == pytest.approx(expected)


def test_average_precisions_of_classes_without_labels_are_nan():
    metric = MeanAveragePrecision(4)
    metric.update_state(LABELS, SCORES)
    expected = [1, 1 / 2, 1, np.nan]
    np.testing.assert_allclose(metric.average_precisions(), expected)


@pytest.mark.parametrize(
    "metric", make_metrics(4, 20, 1024, 64), ids=lambda metric: metric.name
)
def test_perfect_scores_are_one_and_no_data_is_zero(metric):
    assert float(metric.result()) == 0.0
    assert value_of(metric, LABELS[:2], LABELS[:2] + 0.0) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0


NUM_CASES = 1000  # for each of SETTINGS, 10,000 in all
SETTINGS = [  # classes, of which enter the pool, different scores
    (1, 1, 0),
    (2, 1, 3),
    (3, 2, 0),
    (4, 20, 2),
    (5, 3, 6),
    (8, 4, 0),
    (8, 20, 3),
    (12, 5, 8),
    (20, 20, 1),
    (40, 20, 6),
]


def compute_values(num_classes, top_k, ends, *videos):
    """All metrics of many cases, within one compiled function."""
    multi_label = make_metrics(num_classes, top_k, 1024, 64)
    metrics = [*multi_label, PerClassAccuracy(num_classes)]

    @tf.function
    def run(labels, scores, classes, ends):
        values = tf.TensorArray("float32", len(ends), element_shape=(5,))
        start = 0
        for case in tf.range(len(ends)):
            part = slice(start, ends[case])
            for metric in multi_label:
                metric.update_state(labels[part], scores[part])
            metrics[-1].update_state(classes[part], scores[part])
            values = values.write(case, [x.result() for x in metrics])
            for metric in metrics:
                metric.reset_state()
            start = ends[case]
        return values.stack()

    return run(*videos, ends)


def make_cases(num_classes, levels):
    """Labels, scores and classes of each case."""
    rng = np.random.default_rng(num_classes * 100 + levels)
    for _ in range(NUM_CASES):
        num_videos = rng.integers(1, 13)
        rate = rng.choice([0.1, 0.5])
        videos = scored_videos(rng, num_videos, num_classes, rate, levels)
        yield *videos, rng.integers(0, num_classes, num_videos)


@pytest.mark.parametrize("num_classes, top_k, levels", SETTINGS)
def test_every_random_case_is_as_defined(num_classes, top_k, levels):
    cases = list(make_cases(num_classes, levels))
    ends = np.cumsum([len(labels) for labels, _, _ in cases], dtype="int32")
    videos = [np.concatenate(x) for x in zip(*cases, strict=True)]
    received = compute_values(num_classes, top_k, ends, *videos)
    expected = np.array(
        [
            list(defined_values(labels, scores, top_k, classes).values())
            for labels, scores, classes in cases
        ]
    )
    assert len(expected) == NUM_CASES
    assert expected[:, :4].std(axis=0).min() > 0.05  # They differ.
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-6)


CLASSES = np.array([0, 0, 0, 2, 2, 3])
CHOSEN = np.array([0, 1, 0, 2, 0, 2])
CLASS_SCORES = np.eye(4)[CHOSEN]


def test_classes_that_did_not_occur_are_left_out():
    metric = PerClassAccuracy(4)
    metric.update_state(CLASSES[:4], CLASS_SCORES[:4])
    metric.update_state(CLASSES[4:, None], CLASS_SCORES[4:])
    assert float(metric.result()) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    accuracies = [2 / 3, np.nan, 1 / 2, 0]
    np.testing.assert_allclose(metric.accuracies(), accuracies, rtol=1e-6)
    matrix = metric.confusion_matrix()  # True classes in rows.
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
