"""Charts of metrics over the epochs, as SVG."""

import re

import numpy as np
import pytest

from ac_keras.runs.svg_charts import draw_histogram
from ac_keras.runs.svg_charts import draw_metrics
from support.runs.page_parts import PageParts

EPOCHS = [
    {"epoch": 0, "loss": 3.0, "accuracy": 0.1, "val_loss": 2.5, "rate": 0.01},
    {"epoch": 1, "loss": 2.0, "accuracy": 0.5, "val_loss": 1.5, "rate": 0.01},
    {"epoch": 2, "loss": 1.0, "accuracy": 0.7, "val_loss": 2.0, "rate": 0.01},
]


def draw(values, name="val_loss"):
    """Draws the chart of one metric and returns it with its parts."""
    (chart,) = draw_metrics([{name: x} for x in values])
    return chart, PageParts(chart["svg"])


def numbers_of(path):
    """Returns the points of a path, `(num_points, 2)`."""
    return np.array(re.findall(r"([\d.]+) ([\d.]+)", path), float)


def points_of(parts, color="first"):
    """Returns the points of each part of a curve."""
    (path,) = (
        x["d"]
        for x in parts.all("path")
        if f"stroke: var(--{color}); stroke-width" in x.get("style", "")
    )
    return [numbers_of(part) for part in path.split("M")[1:]]


def markers_of(parts, style="fill: var(--first)"):
    places = [x for x in parts.all("use") if style in x["style"]]
    return [[float(x["x"]), float(x["y"])] for x in places]


def levels_of(parts):
    """Returns the labels of the vertical axis and their heights."""
    return {
        text: float(attributes["y"])
        for attributes, text in parts.elements_of("text")
        if "text-anchor: end" in attributes["style"]
    }


def test_a_metric_and_its_validation_share_a_chart_and_come_first():
    charts = draw_metrics(EPOCHS)
    assert [(x["name"], x["curves"]) for x in charts] == [
        ("loss", ["training", "validation"]),
        ("accuracy", ["training"]),
        ("rate", ["training"]),
    ]
    (training,) = points_of(PageParts(charts[0]["svg"]), "second")
    (validation,) = points_of(PageParts(charts[0]["svg"]), "first")
    assert len(training) == len(validation) == 3
    charts = draw_metrics([{"rate": 0.1, "gap": 0.2, "val_gap": 0.3}])
    assert [x["name"] for x in charts] == ["gap", "rate"]


def test_a_curve_is_in_proportion_to_its_values_and_to_the_axis():
    values = np.array([4.0, 1.0, 2.0, 2.5])
    _, parts = draw(values)
    (points,) = points_of(parts)
    np.testing.assert_allclose(np.diff(points[:, 0], n=2), 0, atol=0.01)
    assert np.diff(points[:, 0]).min() > 50
    slope, start = np.polyfit(values, points[:, 1], 1)
    assert slope < -20  # y is counted from the top
    np.testing.assert_allclose(slope * values + start, points[:, 1], atol=0.01)
    levels = levels_of(parts)
    assert {"1", "2", "3", "4"} <= set(levels)
    heights = [levels[x] for x in "1234"]
    np.testing.assert_allclose(np.diff(heights), [slope] * 3, rtol=1e-3)
    half_letter = heights[3] - points[0, 1]
    assert 0 < half_letter < 8


@pytest.mark.parametrize(
    "name, place", [("loss", 1), ("accuracy", 2), ("gap", 2)]
)
def test_the_first_best_validation_epoch_is_marked(name, place):
    values = [0.5, 0.25, 0.75, 0.75]
    chart, parts = draw(values, f"val_{name}")
    assert chart["best"] == (values[place], place + 1)
    np.testing.assert_allclose(
        markers_of(parts, "stroke: var(--ink)"),
        [points_of(parts)[0][place]],
        atol=0.01,
    )


def test_only_the_best_validation_epoch_is_marked():
    chart, parts = draw([1.0, 2.0], "loss")
    assert chart["best"] is None
    assert not markers_of(parts, "stroke: var(--ink)")
    values = [np.nan, 0.5, np.inf, 0.3, "", None, 0.4, 0.2]
    chart, parts = draw(values, "val_accuracy")
    assert [len(points) for points in points_of(parts)] == [1, 1, 2]
    assert chart["best"] == (0.5, 2)


def test_text_constants_and_rows_without_numbers_are_drawn():
    texts = [{k: str(v) for k, v in row.items()} for row in EPOCHS]
    assert draw_metrics(texts) == draw_metrics(EPOCHS)
    levels = levels_of(draw([0.01, 0.01], "rate")[1])
    assert "0.01" in levels and len(levels) > 2
    rows = [{"loss": 1.0, "note": "slow"}, {"loss": 2.0, "note": ""}]
    assert [x["name"] for x in draw_metrics(rows)] == ["loss"]
    assert draw_metrics([]) == []
    assert {"20 %", "80 %"} <= set(levels_of(draw([0.1, 0.9], "accuracy")[1]))


def test_only_points_that_a_line_does_not_show_have_markers():
    assert len(markers_of(draw([1.0])[1])) == 1
    _, parts = draw(np.linspace(2, 1, 500) ** 2)
    assert not markers_of(parts)
    values = [np.nan if i in (1, 3) else float(i) for i in range(30)]
    _, parts = draw(values)
    expected = [points[0] for points in points_of(parts)[:2]]
    np.testing.assert_allclose(markers_of(parts), expected, atol=0.01)


def test_ids_differ_between_charts():
    charts = draw_metrics([dict.fromkeys(("a", "b", "c"), 1.0)])
    parts = PageParts("".join(x["svg"] for x in charts))
    ids = [x["id"] for _, x, _ in parts.elements if "id" in x]
    assert len(ids) == len(set(ids)) == 3
    assert {x["href"][1:] for x in parts.all("use")} == set(ids)


def test_a_histogram_counts_every_class():
    parts = PageParts(draw_histogram(np.array([0.5] * 9 + [1.0] * 20 + [0.0])))
    texts = parts.texts("text")
    assert [x for x in texts if x.isdigit()] == ["1", "9", "20"]
    bars = [
        numbers_of(x["d"])
        for x in parts.all("path")
        if "fill: var(--first)" in x["style"]
    ]
    heights = np.array([np.ptp(bar[:, 1]) for bar in bars])
    shares = heights[[0, 10, 19]] / heights.max()
    np.testing.assert_allclose(shares, [0.05, 0.45, 1], rtol=0.01)
    assert len(bars) == 20 and bars[0][:, 0].max() < bars[1][:, 0].min()
