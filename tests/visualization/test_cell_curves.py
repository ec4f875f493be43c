"""save_cell_curves: clusters of all sizes over the epochs."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from figures import save_cell_curves
from support.visualization.drawn_figures import legend_of
from support.visualization.drawn_figures import watch_figures
from support.visualization.png_pixels import is_color
from support.visualization.png_pixels import read_png

PANELS = {
    "without": {1: [0.5, 1.0, 2.0], 16: [40.0, 70.0], 128: [60.0, 80.0]},
    "with": {16: [50.0, 85.0, 86.0, 87.0, 88.0], 1: [20.0, 45.0, 50.0]},
}


@pytest.fixture
def figure(tmp_path, monkeypatch):
    with watch_figures(monkeypatch) as figures:
        save_cell_curves(PANELS, tmp_path / "curves.png")
    return figures[0]


def curves_of(figure):
    return [
        [line.get_ydata().tolist() for line in axes.lines]
        for axes in figure.axes
    ]


def test_every_size_has_a_curve_in_its_panel(figure):
    assert curves_of(figure) == [
        [PANELS["without"][x] for x in (1, 16, 128)],
        [PANELS["with"][x] for x in (1, 16)],
    ]
    assert [axes.get_title() for axes in figure.axes] == ["without", "with"]


def test_epochs_count_from_one(figure):
    epochs = figure.axes[0].lines[0].get_xdata()
    np.testing.assert_array_equal(epochs, [1, 2, 3])


def test_a_size_has_the_same_colour_in_all_panels(figure):
    first, second = (
        {tuple(x.get_ydata()): x.get_color() for x in axes.lines}
        for axes in figure.axes
    )
    assert first[0.5, 1.0, 2.0] == second[20.0, 45.0, 50.0]
    assert first[40.0, 70.0] == second[50.0, 85.0, 86.0, 87.0, 88.0]


def test_colours_get_lighter_with_the_units_and_the_legend_names_them(figure):
    legend = legend_of(figure)
    assert list(legend) == ["128", "16", "1"]
    light = [sum(to_rgb(legend[x])) for x in ("1", "16", "128")]
    assert light == sorted(light) and light[0] < light[-1] - 0.5


def test_panels_have_the_same_axes(figure):
    assert {axes.get_ylim() for axes in figure.axes} == {(0, 100)}
    first, second = (axes.get_xlim() for axes in figure.axes)
    assert first == second and first[0] < 1 and first[1] > 5


def test_the_curves_are_in_the_picture(figure, tmp_path):
    picture = read_png(tmp_path / "curves.png")
    left, right = np.array_split(picture[:, :-200], 2, axis=1)
    colors = {x: to_rgb(color) for x, color in legend_of(figure).items()}
    assert is_color(left, colors["128"]).sum() > 100
    assert not is_color(right, colors["128"]).any()
    assert is_color(right, colors["16"]).sum() > 100


def test_one_panel_with_one_epoch_is_drawn(tmp_path, monkeypatch):
    with watch_figures(monkeypatch) as figures:
        save_cell_curves({"FC2": {8: [30.0]}}, tmp_path / "curves.png")
    assert curves_of(figures[0]) == [[[30.0]]]
    color = to_rgb(figures[0].axes[0].lines[0].get_color())
    picture = read_png(tmp_path / "curves.png")
    assert is_color(picture[:, :-100], color).sum() > 5


def test_the_same_curves_give_the_same_bytes(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        save_cell_curves(PANELS, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"Software" not in paths[0].read_bytes()


@pytest.mark.parametrize("panels", [{}, {"FC1": {}}, {"FC1": {1: []}}])
def test_nothing_to_draw_is_refused(panels, tmp_path):
    with pytest.raises(ValueError, match="Expected panels .*Received: panels="):
        save_cell_curves(panels, tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [-1.0, 100.5, float("nan")])
def test_no_percentage_is_refused(value, tmp_path):
    message = f"from 0 to 100. Received: {value}"
    with pytest.raises(ValueError, match=message):
        save_cell_curves({"FC1": {1: [1.0, value]}}, tmp_path / "curves.png")


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def fail_half_way(figure, path, **keywords):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail_half_way)
    with pytest.raises(OSError, match="No space left"):
        save_cell_curves(PANELS, tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())
