"""save_attended_kinds: heat maps of kinds by units."""

import numpy as np
import pytest

from digit_pictures import save_attended_kinds
from support.visualization.drawn_figures import watch_figures
from support.visualization.png_pixels import changed_box
from support.visualization.png_pixels import read_png

KINDS = ("0", "1", "none")


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    with watch_figures(monkeypatch) as saved:
        yield saved


def draw(path, **tables):
    names = {
        name: [f"u{unit}" for unit in range(table.shape[1])]
        for name, table in tables.items()
    }
    save_attended_kinds(tables, KINDS, names, path / "kinds.png")
    return read_png(path / "kinds.png")


def weight_at(kind, unit, weight=1.0):
    table = np.zeros((3, 4))
    table[kind, unit] = weight
    return table


def test_kinds_are_rows_and_units_are_columns(tmp_path):
    dark = draw(tmp_path, run=np.zeros((3, 4)))
    places = [
        changed_box(draw(tmp_path, run=weight_at(*x)), dark)
        for x in ((0, 0), (2, 0), (0, 3))
    ]
    (rows, columns), below, beside = places
    assert below[0].start > rows.stop and below[1] == columns
    assert beside[1].start > columns.stop and beside[0] == rows


def test_more_weight_is_brighter(tmp_path):
    dark = draw(tmp_path, run=np.zeros((3, 4)))
    place = changed_box(draw(tmp_path, run=weight_at(1, 1)), dark)
    brightness = [
        draw(tmp_path, run=weight_at(1, 1, x))[place].mean()
        for x in (0, 0.4, 0.8, 1)
    ]
    assert np.diff(brightness).min() > 0.1


def test_runs_are_side_by_side_in_one_scale(tmp_path, figures):
    draw(tmp_path, first=weight_at(0, 0, 0.2), second=weight_at(0, 0, 0.9))
    first, second, _ = figures[0].axes
    assert [x.get_title() for x in (first, second)] == ["first", "second"]
    assert first.get_position().x1 < second.get_position().x0
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 1)


def test_rows_columns_and_cells_are_labelled(tmp_path, figures):
    table = np.arange(6).reshape(3, 2) / 10
    draw(tmp_path, run=table)
    axes = figures[0].axes[0]
    assert [x.get_text() for x in axes.get_yticklabels()] == list(KINDS)
    assert [x.get_text() for x in axes.get_xticklabels()] == ["u0", "u1"]
    cells = {x.get_position(): x.get_text() for x in axes.texts}
    assert cells == {
        (unit, kind): f"{20 * kind + 10 * unit}"
        for kind in range(3)
        for unit in range(2)
    }


def test_an_unknown_weight_has_no_number(tmp_path, figures):
    table = weight_at(0, 0)
    table[1] = np.nan
    draw(tmp_path, run=table)
    texts = [x.get_text() for x in figures[0].axes[0].texts]
    assert texts == ["100"] + ["0"] * 7


def test_many_units_have_no_numbers(tmp_path, figures):
    picture = draw(tmp_path, run=np.full((3, 64), 0.5))
    assert not figures[0].axes[0].texts
    assert picture.shape[1] < 150 * 20


@pytest.mark.parametrize("shape", [(2, 4), (3, 5), (3,)])
def test_a_table_of_another_shape_is_refused(shape, tmp_path):
    with pytest.raises(ValueError, match=r"table of \(3, 4\).*Received: shape"):
        save_attended_kinds(
            {"run": np.zeros(shape)},
            KINDS,
            {"run": "abcd"},
            tmp_path / "kinds.png",
        )
    assert not list(tmp_path.iterdir())


def test_no_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Expected a table.*Received: none"):
        save_attended_kinds({}, KINDS, {}, tmp_path / "kinds.png")
