"""save_size_curves: accuracy against the number of units."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from figures import SizeCurve
from figures import save_size_curves
from support.visualization.drawn_figures import legend_of
from support.visualization.drawn_figures import watch_figures
from support.visualization.png_pixels import is_color
from support.visualization.png_pixels import read_png

CURVES = {
    "FC1": SizeCurve(
        {32: 88.0, 2: 30.0},
        "tab:red",
        deviation={32: 1.5},
        published={2: 20.0, 8: 50.0, 32: 83.3},
    ),
    "shifting": SizeCurve(
        {2: 70.0}, "tab:blue", others={"GPU": {2: 19.4}, "Ascend": {2: 65.8}}
    ),
}


@pytest.fixture
def figure(tmp_path, monkeypatch):
    with watch_figures(monkeypatch) as figures:
        save_size_curves(CURVES, tmp_path / "accuracy.png")
    return figures[0]


def points_of(axes, color, style):
    """The points of lines with a colour and a style, None for gaps."""
    return [
        {
            size: None if np.isnan(accuracy) else accuracy
            for size, accuracy in x.get_xydata().tolist()
        }
        for x in axes.lines
        if x.get_color() == color and x.get_linestyle() == style
    ]


def test_a_curve_has_its_points_and_gaps_where_only_others_have(figure):
    measured = {2: 30.0, 8: None, 32: 88.0}
    for axes in figure.axes:
        assert points_of(axes, "tab:red", "-") == [measured]
        assert points_of(axes, "tab:blue", "-") == [{2: 70.0}]


def test_the_papers_curve_is_dashed_in_the_same_colour(figure):
    expected = {2: 20.0, 8: 50.0, 32: 83.3}
    assert points_of(figure.axes[0], "tab:red", "--") == [expected]


def test_other_peoples_figures_are_points_in_the_same_colour(figure):
    found = points_of(figure.axes[0], "tab:blue", "None")
    assert {2: 19.4} in found and {2: 65.8} in found
    markers = {
        x.get_ydata()[0]: x.get_marker()
        for x in figure.axes[0].lines
        if x.get_linestyle() == "None"
    }
    assert markers[19.4] != markers[65.8]


def test_error_bars_reach_a_deviation_to_either_side(figure):
    bars = [
        segment[:, 1].tolist()
        for lines in figure.axes[0].collections
        for segment in lines.get_segments()
        if len(segment)
    ]
    assert bars == [[86.5, 89.5]]  # none where there is no deviation


def test_units_are_on_a_logarithmic_axis_with_their_numbers(figure):
    for axes in figure.axes:
        assert axes.get_xscale() == "log"
        labels = [x.get_text() for x in axes.get_xticklabels()]
        assert labels == ["2", "8", "32"]


def test_the_second_panel_shows_the_detail(tmp_path, monkeypatch, figure):
    assert [x.get_ylim() for x in figure.axes] == [(0, 100), (75, 95)]
    with watch_figures(monkeypatch) as figures:
        save_size_curves(CURVES, tmp_path / "accuracy.png", detail=(10, 40))
    assert figures[0].axes[1].get_ylim() == (10, 40)


def test_the_legend_names_curves_and_kinds_of_lines(figure):
    assert legend_of(figure) == {
        "FC1": "tab:red",
        "shifting": "tab:blue",
        "paper": "gray",
        "Ascend": "gray",
        "GPU": "gray",
    }


def test_the_curves_are_in_the_picture(figure, tmp_path):
    picture = read_png(tmp_path / "accuracy.png")
    rows, _ = np.nonzero(is_color(picture[:, :800], to_rgb("tab:red")))
    assert len(rows) > 150
    assert rows.min() < 0.3 * len(picture) and rows.max() > 0.5 * len(picture)


def test_the_same_curves_give_the_same_bytes(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        save_size_curves(CURVES, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("curves", [{}, {"FC1": SizeCurve({}, "tab:red")}])
def test_nothing_to_draw_is_refused(curves, tmp_path):
    with pytest.raises(
        ValueError, match="Expected one curve.*Received: curves="
    ):
        save_size_curves(curves, tmp_path / "accuracy.png")
    assert not list(tmp_path.iterdir())
