"""Plots of the attention of runs in Flash-MNIST."""

import numpy as np
import pytest

from ac_keras.visualization.attention_maps import clip_grid
from digit_plots import ComparedAttention
from digit_plots import save_attended_kinds
from digit_plots import save_attention_comparison
from support.visualization.saved_figures import texts_of
from support.visualization.saved_figures import watch_figures

KINDS = ("0", "1", "none")
CLIPS, FRAMES, HEIGHT, WIDTH = 2, 4, 4, 20
UNITS = {"shifted": 3, "plain": 2}
IMAGES = np.zeros((CLIPS, FRAMES, HEIGHT, WIDTH), np.uint8)
FRAME_NAMES = [["", "7", "", "0 3"], ["1", "", "", ""]]


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    with watch_figures(monkeypatch) as saved:
        yield saved


def draw_kinds(path, **tables):
    names = {
        name: [f"u{unit}" for unit in range(table.shape[1])]
        for name, table in tables.items()
    }
    save_attended_kinds(tables, KINDS, names, path / "kinds.png")


def test_runs_are_side_by_side_in_one_scale(tmp_path, figures):
    tables = {"first": np.eye(3, 4), "second": np.eye(3, 5) / 10}
    draw_kinds(tmp_path, **tables)
    *panels, _ = figures[0].axes
    assert [x.get_title() for x in panels] == ["first", "second"]
    assert panels[0].get_position().x1 < panels[1].get_position().x0
    for axes, table in zip(panels, tables.values(), strict=True):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), table)
        assert image.get_clim() == (0, 1)
        assert image.get_cmap().name == "inferno"  # brighter for more weight
        assert axes.get_ylim() == (2.5, -0.5)  # the first kind at the top


def test_rows_columns_and_known_cells_are_labelled(tmp_path, figures):
    table = np.arange(6).reshape(3, 2) / 10
    table[1, 1] = np.nan
    draw_kinds(tmp_path, run=table)
    axes = figures[0].axes[0]
    assert texts_of(axes.get_yticklabels()) == list(KINDS)
    assert texts_of(axes.get_xticklabels()) == ["u0", "u1"]
    cells = {x.get_position(): x.get_text() for x in axes.texts}
    assert cells == {
        (unit, kind): f"{20 * kind + 10 * unit}"
        for kind in range(3)
        for unit in range(2)
        if (kind, unit) != (1, 1)
    }


def test_many_units_have_no_numbers(tmp_path, figures):
    draw_kinds(tmp_path, run=np.full((3, 64), 0.5))
    assert not figures[0].axes[0].texts
    assert figures[0].get_figwidth() < 20


@pytest.mark.parametrize(
    "tables, message",
    [
        ({"run": np.zeros((2, 4))}, r"table of \(3, 4\).*Received: shape"),
        ({"run": np.zeros((3, 5))}, r"table of \(3, 4\).*Received: shape"),
        ({"run": np.zeros(3)}, r"table of \(3, 4\).*Received: shape"),
        ({}, "Expected a table.*Received: none"),
    ],
)
def test_tables_of_another_shape_are_refused(tables, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_attended_kinds(tables, KINDS, {"run": "abcd"}, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def attention(name, scores=None):
    if scores is None:
        scores = np.zeros((CLIPS, UNITS[name], FRAMES))
    names = [f"unit {unit}" for unit in range(UNITS[name])]
    return ComparedAttention(scores, names, ["a clip", "a second one"])


def test_clips_are_rows_and_models_columns_of_maps(tmp_path, figures):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, IMAGES.shape, np.uint8)
    models = {
        name: attention(name, rng.dirichlet(np.ones(FRAMES), (CLIPS, units)))
        for name, units in UNITS.items()
    }
    save_attention_comparison(images, FRAME_NAMES, models, tmp_path / "a.png")
    panels = np.reshape(figures[0].axes, (CLIPS, len(UNITS)))
    for (clip, column), axes in np.ndenumerate(panels):
        model = list(models.values())[column]
        np.testing.assert_array_equal(
            axes.images[0].get_array(),
            clip_grid(images[clip], model.scores[clip]),
        )
        assert texts_of(axes.get_xticklabels()) == FRAME_NAMES[clip]
        assert texts_of(axes.get_yticklabels()) == model.unit_names
        np.testing.assert_allclose(axes.get_xticks(), [10, 30, 50, 70])
    titles = [[x.get_title(loc="left") for x in row] for row in panels]
    assert titles[0] == ["shifted\na clip", "plain\na clip"]
    assert titles[1] == ["a second one"] * 2
    left, right = (axes.get_position() for axes in panels[0])
    assert left.x1 < right.x0 and left.y1 == pytest.approx(right.y1)
    assert (
        left.width == pytest.approx(right.width, rel=0.02) and left.width > 0.3
    )
    assert panels[1, 0].get_position().y1 < left.y0


NAMELESS = ComparedAttention(np.zeros((CLIPS, 2, FRAMES)), ["a"], ["b"] * 2)


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"images": IMAGES[:1]},
            "images (1, 4, 4, 20); plain: scores (2, 2, 4)",
        ),
        (
            {"models": {"plain": NAMELESS}},
            "plain: scores (2, 2, 4), 1 unit names and 2 titles",
        ),
        ({"models": {}}, "images (2, 4, 4, 20); no model"),
        ({"frame_names": [FRAME_NAMES[0], ["1"]]}, "[4, 1] names"),
    ],
)
def test_what_does_not_match_is_refused(changes, message, tmp_path):
    arguments = {
        "images": IMAGES,
        "frame_names": FRAME_NAMES,
        "models": {"plain": attention("plain")},
    }
    with pytest.raises(ValueError, match="Expected.*Received: ") as error:
        save_attention_comparison(
            **{**arguments, **changes}, path=tmp_path / "a.png"
        )
    assert message in str(error.value)
    assert not list(tmp_path.iterdir())
