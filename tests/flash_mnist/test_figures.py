"""Plots of a sweep."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import figures
import table_1_results
from figures import SizeCurve
from figures import save_cell_curves
from figures import save_size_curves
from support.flash_mnist.made_up_sweep import write_cell
from support.visualization.saved_figures import full_disk
from support.visualization.saved_figures import is_color
from support.visualization.saved_figures import legend_of
from support.visualization.saved_figures import read_png
from support.visualization.saved_figures import texts_of
from support.visualization.saved_figures import watch_figures

PANELS = {
    "without": {1: [0.5, 1.0, 2.0], 16: [40.0, 70.0], 128: [60.0, 80.0]},
    "with": {16: [50.0, 85.0, 86.0, 87.0, 88.0], 1: [20.0, 45.0, 50.0]},
}
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
def draw(tmp_path, monkeypatch):
    """Draws a sweep and returns the names and the values drawn."""
    drawn = {}

    def keep(values, path, *_):
        drawn[path.name] = values

    monkeypatch.setattr(figures, "save_cell_curves", keep)
    monkeypatch.setattr(figures, "save_size_curves", keep)

    def draw(*cells):
        for cell in cells:
            write_cell(tmp_path, *cell)
        (protocol,) = table_1_results.read_sweep(tmp_path)
        names = figures.save_figures(protocol, tmp_path)
        return names, drawn

    return draw


@pytest.mark.parametrize(
    "families, plots",
    [
        (["fc1", "fc2_shift"], ["accuracy", "fc1_curves", "fc2_curves"]),
        (["average"], ["accuracy"]),
    ],
)
def test_accuracy_and_every_weighting_with_a_curve_have_a_plot(
    families, plots, draw
):
    names, drawn = draw(*((family, 8) for family in families))
    assert names == [f"tuned_{plot}.png" for plot in plots]
    assert set(drawn) == set(names)


def test_panels_are_without_and_with_shifting(draw):
    _, drawn = draw(
        ("fc1", 8, 0, 0.49), ("fc1_shift", 16, 0, 0.89), ("fc1_shift", 8)
    )
    panels = drawn["tuned_fc1_curves.png"]
    assert list(panels) == ["FC1 without shifting", "FC1 with shifting"]
    assert list(panels["FC1 with shifting"]) == [8, 16]
    assert panels["FC1 with shifting"][16] == pytest.approx([30, 60, 90])
    assert panels["FC1 without shifting"][8][-1] == pytest.approx(50)


def test_curves_are_drawn_with_the_papers_and_mindspores(draw):
    _, drawn = draw(
        ("average", 8, 0, 0.01),
        ("fc2_shift", 8, 0, 0.88),
        ("fc2_shift", 8, 1, 0.90),
    )
    curves = drawn["tuned_accuracy.png"]
    shifting, average = curves["FC2 + shift"], curves["Average"]
    assert shifting.accuracy == pytest.approx({8: 89})
    assert shifting.deviation == pytest.approx({8: 2**0.5})
    assert shifting.published[128] == 85.7
    assert shifting.others["MindSpore, GPU"][128] == 88.3
    assert average.deviation == {} and average.others == {}
    assert shifting.color != average.color


@pytest.fixture
def cell_figure(tmp_path, monkeypatch):
    with watch_figures(monkeypatch) as saved:
        save_cell_curves(PANELS, tmp_path / "curves.png")
    return saved[0]


def curves_of(cell_figure):
    return [
        [line.get_ydata().tolist() for line in axes.lines]
        for axes in cell_figure.axes
    ]


def test_every_size_has_a_curve_from_epoch_1_in_its_panel(cell_figure):
    assert curves_of(cell_figure) == [
        [PANELS["without"][x] for x in (1, 16, 128)],
        [PANELS["with"][x] for x in (1, 16)],
    ]
    titles = [axes.get_title() for axes in cell_figure.axes]
    assert titles == ["without", "with"]
    epochs = cell_figure.axes[0].lines[0].get_xdata()
    np.testing.assert_array_equal(epochs, [1, 2, 3])
    assert {axes.get_ylim() for axes in cell_figure.axes} == {(0, 100)}
    first, second = (axes.get_xlim() for axes in cell_figure.axes)
    assert first == second and first[0] < 1 and first[1] > 5


def test_colours_are_those_of_the_legend_and_lighter_for_more_units(
    cell_figure,
):
    legend = legend_of(cell_figure)
    assert list(legend) == ["128", "16", "1"]
    light = [sum(to_rgb(legend[x])) for x in ("1", "16", "128")]
    assert light == sorted(light) and light[0] < light[-1] - 0.5
    first, second = (
        [line.get_color() for line in axes.lines] for axes in cell_figure.axes
    )
    assert first == [legend[x] for x in ("1", "16", "128")]
    assert second == [legend[x] for x in ("1", "16")]


def test_one_panel_with_one_epoch_is_drawn(tmp_path, monkeypatch):
    with watch_figures(monkeypatch) as saved:
        save_cell_curves({"FC2": {8: [30.0]}}, tmp_path / "curves.png")
    assert curves_of(saved[0]) == [[[30.0]]]
    color = to_rgb(saved[0].axes[0].lines[0].get_color())
    image = read_png(tmp_path / "curves.png")
    assert is_color(image[:, :-100], color).sum() > 5
    assert b"Software" not in (tmp_path / "curves.png").read_bytes()


@pytest.mark.parametrize("value", [-1.0, 100.5, float("nan")])
def test_no_percentage_is_refused(value, tmp_path):
    message = f"from 0 to 100. Received: {value}"
    with pytest.raises(ValueError, match=message):
        save_cell_curves({"FC1": {1: [1.0, value]}}, tmp_path / "curves.png")


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    with full_disk(monkeypatch):
        save_cell_curves(PANELS, tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def size_figure(tmp_path, monkeypatch):
    with watch_figures(monkeypatch) as saved:
        save_size_curves(CURVES, tmp_path / "accuracy.png")
    return saved[0]


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


def test_a_curve_has_its_points_those_of_others_and_the_same_axis(size_figure):
    for axes in size_figure.axes:
        # It has gaps where only others have points.
        measured = {2: 30.0, 8: None, 32: 88.0}
        assert points_of(axes, "tab:red", "-") == [measured]
        published = {2: 20.0, 8: 50.0, 32: 83.3}
        assert points_of(axes, "tab:red", "--") == [published]
        assert points_of(axes, "tab:blue", "-") == [{2: 70.0}]
        others = points_of(axes, "tab:blue", "None")
        assert {2: 19.4} in others and {2: 65.8} in others
        markers = {
            x.get_ydata()[0]: x.get_marker()
            for x in axes.lines
            if x.get_linestyle() == "None"
        }
        assert markers[19.4] != markers[65.8]
        assert axes.get_xscale() == "log"
        assert texts_of(axes.get_xticklabels()) == ["2", "8", "32"]


def test_error_bars_are_deviations_and_the_legend_names_all_lines(size_figure):
    bars = [
        segment[:, 1].tolist()
        for lines in size_figure.axes[0].collections
        for segment in lines.get_segments()
        if len(segment)
    ]
    assert bars == [[86.5, 89.5]]  # none where there is no deviation
    assert legend_of(size_figure) == {
        "FC1": "tab:red",
        "shifting": "tab:blue",
        "paper": "gray",
        "Ascend": "gray",
        "GPU": "gray",
    }


def test_the_second_panel_shows_the_detail(tmp_path, monkeypatch, size_figure):
    assert [x.get_ylim() for x in size_figure.axes] == [(0, 100), (75, 95)]
    with watch_figures(monkeypatch) as saved:
        save_size_curves(CURVES, tmp_path / "accuracy.png", detail=(10, 40))
    assert saved[0].axes[1].get_ylim() == (10, 40)


@pytest.mark.parametrize(
    "save, curves",
    [
        (save_cell_curves, {}),
        (save_cell_curves, {"FC1": {}}),
        (save_cell_curves, {"FC1": {1: []}}),
        (save_size_curves, {}),
        (save_size_curves, {"FC1": SizeCurve({}, "tab:red")}),
    ],
)
def test_nothing_to_draw_is_refused(save, curves, tmp_path):
    message = "Expected (panels|one curve) .*Received: (panels|curves)="
    with pytest.raises(ValueError, match=message):
        save(curves, tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())
