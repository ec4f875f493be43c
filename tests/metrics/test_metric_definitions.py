"""The reference itself, and the metrics on cases done by hand."""

import itertools

import numpy as np
import pytest

from ac_keras.metrics import GlobalAveragePrecision
from ac_keras.metrics import HitAtOne
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PrecisionAtEqualRecallRate
from support.metrics import metric_definitions

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


def test_hit_at_one_counts_a_video_without_labels_as_a_miss():
    assert value_of(HitAtOne()) == pytest.approx(1 / 3)


def test_perr_leaves_out_videos_without_labels():
    # 1 of 2 labels in the first video's best two; the second's best is wrong.
    assert value_of(PrecisionAtEqualRecallRate()) == pytest.approx(0.25)


def test_gap_divides_by_the_labels_that_the_pool_misses_too():
    # The pool in order: .9 hit, .8, .75, .7, .65, .6 hit; .4 is not in it.
    expected = (1 / 1 + 2 / 6) / 3
    assert value_of(GlobalAveragePrecision(top_k=2)) == pytest.approx(expected)


def test_map_leaves_out_classes_without_labels():
    # Class 0: first of three. Class 1: second. Class 2: first. Class 3: none.
    metric = MeanAveragePrecision(4)
    assert value_of(metric) == pytest.approx((1 + 1 / 2 + 1) / 3)
    expected = [1, 1 / 2, 1, np.nan]
    np.testing.assert_allclose(metric.average_precisions(), expected)


def test_equal_scores_of_a_class_make_the_share_of_all_orders():
    # One hit of three equals: at place 1, 2 or 3, each as likely.
    labels, scores = [[1], [0], [0]], np.full((3, 1), 0.5)
    expected = (1 + 1 / 2 + 1 / 3) / 3
    assert value_of(MeanAveragePrecision(1), labels, scores) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    "make",
    [
        HitAtOne,
        PrecisionAtEqualRecallRate,
        GlobalAveragePrecision,
        lambda: MeanAveragePrecision(4),
    ],
)
def test_perfect_scores_are_one_and_no_data_is_zero(make):
    metric = make()
    assert float(metric.result()) == 0.0
    assert value_of(metric, LABELS[:2], LABELS[:2] + 0.0) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0
