"""epoch_charts: curves over the epochs and the best of them."""

import re

import numpy as np
import pytest

from ac_keras.runs.report import best_epoch
from ac_keras.runs.report import epoch_charts
from support.visualization.page_parts import PageParts

EPOCHS = [
    {"epoch": 0, "loss": 3.0, "accuracy": 0.1, "val_loss": 2.5, "rate": 0.01},
    {"epoch": 1, "loss": 2.0, "accuracy": 0.5, "val_loss": 1.5, "rate": 0.01},
    {"epoch": 2, "loss": 1.0, "accuracy": 0.7, "val_loss": 2.0, "rate": 0.01},
]


def curve_points(svg):
    """The places of every curve's points, arrays `(num_points, 2)`."""
    paths = [x["d"] for x in PageParts(svg).all("path", "curve")]
    return [
        np.array(re.findall(r"([\d.]+) ([\d.]+)", path), float)
        for path in paths
    ]


def chart_of(values, name="loss"):
    return epoch_charts(
        [{"epoch": i, f"val_{name}": x} for i, x in enumerate(values)]
    )


def test_a_metric_and_its_validation_share_a_chart():
    parts = PageParts(epoch_charts(EPOCHS))
    assert parts.texts("b") == ["loss", "accuracy", "rate"]
    assert len(parts.all("svg")) == 3
    kinds = [x["class"] for x in parts.all("path", "curve")]
    assert kinds == [
        "curve training",
        "curve validation",
        "curve alone",
        "curve alone",
    ]


def test_pairs_come_before_single_metrics():
    rows = [{"rate": 0.1, "gap": 0.2, "val_gap": 0.3}]
    assert PageParts(epoch_charts(rows)).texts("b") == ["gap", "rate"]


def test_a_curve_goes_through_its_values_in_proportion():
    values = np.array([4.0, 1.0, 2.0, 2.5])
    (points,) = curve_points(chart_of(values))
    assert len(points) == 4
    np.testing.assert_allclose(np.diff(points[:, 0], n=2), 0, atol=0.2)
    assert np.diff(points[:, 0]).min() > 50
    slope, start = np.polyfit(values, points[:, 1], 1)
    assert slope < -20  # rows count from the top
    np.testing.assert_allclose(slope * values + start, points[:, 1], atol=0.1)


def test_the_levels_are_where_the_values_would_be():
    svg = chart_of([0.0, 4.0])
    ((_, zero), (_, four)) = curve_points(svg)[0]
    texts = dict(re.findall(r'y="([\d.]+)" text-anchor="end">([^<]+)', svg))
    levels = {float(text): float(y) - 4 for y, text in texts.items()}
    assert levels[0] == pytest.approx(zero, abs=0.2)
    assert levels[4] == pytest.approx(four, abs=0.2)
    assert levels[2] == pytest.approx((zero + four) / 2, abs=0.2)


@pytest.mark.parametrize(
    "name, best, text",
    [
        ("loss", 1, "best 0.25 in epoch 2"),
        ("accuracy", 2, "best 75.00 % in epoch 3"),
        ("gap", 2, "best 0.75 in epoch 3"),
    ],
)
def test_the_best_epoch_is_marked(name, best, text):
    svg = chart_of([0.5, 0.25, 0.75, 0.75], name)
    (mark,) = PageParts(svg).all("circle", "best")
    place = [float(mark["cx"]), float(mark["cy"])]
    np.testing.assert_allclose(place, curve_points(svg)[0][best], atol=0.1)
    assert text in svg


def test_training_curves_have_no_best_epoch():
    rows = [{"epoch": 0, "loss": 1.0}, {"epoch": 1, "loss": 2.0}]
    assert "best" not in epoch_charts(rows)


def test_missing_values_break_the_line_and_are_never_best():
    values = [np.nan, 0.5, np.inf, 0.3, "", None, 0.4, 0.2]
    svg = chart_of(values, "accuracy")
    (path,) = PageParts(svg).all("path", "curve")
    assert [run.count("L") + 1 for run in path["d"].split("M")[1:]] == [1, 1, 2]
    assert "in epoch 2" in svg
    assert best_epoch("loss", np.array([np.nan, np.nan])) is None


def test_numbers_may_be_text_as_in_a_csv():
    numbers = epoch_charts(EPOCHS)
    texts = [{k: str(v) for k, v in row.items()} for row in EPOCHS]
    assert epoch_charts(texts) == numbers


def test_one_epoch_is_a_dot():
    parts = PageParts(epoch_charts(EPOCHS[:1]))
    assert len(parts.all("circle", "dot")) == 4


def test_many_epochs_are_a_line_without_dots():
    parts = PageParts(chart_of(np.linspace(2, 1, 500)))
    assert not parts.all("circle", "dot")
    (path,) = parts.all("path", "curve")
    assert path["d"].count("L") == 499


def test_a_constant_is_drawn_between_different_levels():
    svg = epoch_charts(EPOCHS)
    rate = svg.split("<figure")[-1]
    levels = re.findall(r'text-anchor="end">([^<]+)', rate)
    assert "0.01" in levels and len(set(levels)) == len(levels) > 2


def test_a_metric_without_a_number_has_no_chart():
    rows = [{"loss": 1.0, "note": "slow"}, {"loss": 2.0, "note": ""}]
    assert PageParts(epoch_charts(rows)).texts("b") == ["loss"]


def test_names_of_metrics_are_escaped():
    parts = PageParts(epoch_charts([{"<b>&": 1.0}]))
    assert parts.texts("b") == ["<b>&"]
