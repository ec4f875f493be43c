"""Intervals of metrics: their definition, and how often they cover."""

import numpy as np
import pytest

from ac_keras.metrics import metric_intervals

QUANTILE = 1.959964


@pytest.mark.parametrize("share, num_clips", [(0.2, 10), (0.9, 50), (0.5, 1)])
def test_the_limits_are_where_the_share_is_just_plausible(share, num_clips):
    limits = metric_intervals({"accuracy": share}, num_clips)[
        "accuracy_interval"
    ]
    for limit in limits:
        deviation = np.sqrt(limit * (1 - limit) / num_clips)
        assert abs(limit - share) == pytest.approx(QUANTILE * deviation)
    assert limits[0] < share < limits[1]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_all_or_no_clips_has_a_limit_inside(share):
    limits = metric_intervals({"perr": share}, 20)["perr_interval"]
    assert share in limits
    assert 0 <= limits[0] < limits[1] <= 1


def test_19_of_20_intervals_cover_the_true_share():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        share = rng.uniform(0.05, 0.95)
        found = rng.binomial(100, share) / 100
        low, high = metric_intervals({"accuracy": found}, 100)[
            "accuracy_interval"
        ]
        covered.append(low <= share <= high)
    assert 0.92 < np.mean(covered) < 0.98


def test_the_per_class_interval_has_the_width_of_its_deviation():
    confusion = np.array([[80, 20, 0], [30, 70, 0], [0, 0, 0]])
    value = (0.8 + 0.7) / 2
    low, high = metric_intervals({"per_class_accuracy": value}, 200, confusion)[
        "per_class_accuracy_interval"
    ]
    deviation = np.sqrt(0.8 * 0.2 / 100 + 0.7 * 0.3 / 100) / 2
    assert (low + high) / 2 == pytest.approx(value, abs=0.005)
    assert high - low == pytest.approx(2 * QUANTILE * deviation, rel=0.08)


def test_other_metrics_and_undefined_ones_have_none():
    assert not metric_intervals({"loss": 1.0, "gap": 0.5}, 10)
    assert not metric_intervals({"accuracy": float("nan")}, 10)


def test_a_share_above_1_is_rejected():
    with pytest.raises(ValueError, match="share from 0 to 1.*share=1.5"):
        metric_intervals({"accuracy": 1.5}, 10)
