"""Plots of the attention of runs in Flash-MNIST."""

import numpy as np
import pytest

from digit_plots import ComparedAttention
from digit_plots import save_attended_kinds
from digit_plots import save_attention_comparison
from support.visualization.saved_figures import changed_box
from support.visualization.saved_figures import read_png
from support.visualization.saved_figures import texts_of
from support.visualization.saved_figures import watch_figures

KINDS = ("0", "1", "none")
CLIPS, FRAMES, HEIGHT, WIDTH = 2, 4, 4, 20
UNITS = {"shifted": 3, "plain": 2}
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
    return read_png(path / "kinds.png")


def weight_at(kind, unit, weight=1.0):
    table = np.zeros((3, 4))
    table[kind, unit] = weight
    return table


def test_kinds_are_rows_units_are_columns_and_more_weight_is_brighter(tmp_path):
    def draw(*cell):
        return draw_kinds(tmp_path, run=weight_at(*cell))

    dark = draw(0, 0, 0)
    (rows, columns), below, beside = (
        changed_box(draw(*cell), dark) for cell in ((0, 0), (2, 0), (0, 3))
    )
    assert below[0].start > rows.stop and below[1] == columns
    assert beside[1].start > columns.stop and beside[0] == rows
    place = changed_box(draw(1, 1), dark)
    brightness = [draw(1, 1, x)[place].mean() for x in (0, 0.4, 0.8, 1)]
    assert np.diff(brightness).min() > 0.1


def test_runs_are_side_by_side_in_one_scale(tmp_path, figures):
    draw_kinds(
        tmp_path, first=weight_at(0, 0, 0.2), second=weight_at(0, 0, 0.9)
    )
    first, second, _ = figures[0].axes
    assert [x.get_title() for x in (first, second)] == ["first", "second"]
    assert first.get_position().x1 < second.get_position().x0
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 1)


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
    image = draw_kinds(tmp_path, run=np.full((3, 64), 0.5))
    assert not figures[0].axes[0].texts
    assert image.shape[1] < 150 * 20


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


def black_images():
    return np.zeros((CLIPS, FRAMES, HEIGHT, WIDTH), np.uint8)


def attention(name, *index):
    scores = np.zeros((CLIPS, UNITS[name], FRAMES))
    if index:
        scores[index] = 1
    names = [f"unit {unit}" for unit in range(UNITS[name])]
    return ComparedAttention(scores, names, ["a clip", "a second one"])


def draw_clips(path, images=None, frame_names=FRAME_NAMES, **indices):
    save_attention_comparison(
        black_images() if images is None else images,
        frame_names,
        {name: attention(name, *indices.get(name, ())) for name in UNITS},
        path / "attention.png",
    )
    return read_png(path / "attention.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def dark(folder):
    return draw_clips(folder)


def box(folder, dark, **indices):
    """Where a weight is drawn."""
    return changed_box(draw_clips(folder, **indices), dark)


def test_models_are_side_by_side(folder, dark):
    left = box(folder, dark, shifted=(0, 0, slice(None)))
    right = box(folder, dark, plain=(0, 0, slice(None)))
    assert left[1].stop < right[1].start
    assert left[0] == right[0]
    width = left[1].stop - left[1].start
    assert width == pytest.approx(right[1].stop - right[1].start, abs=2)
    assert width > 0.3 * dark.shape[1]


def test_clips_are_above_each_other_and_units_within_them(folder, dark):
    rows = [
        box(folder, dark, shifted=(clip, unit, 0))[0]
        for clip in range(CLIPS)
        for unit in range(UNITS["shifted"])
    ]
    assert all(a.stop <= b.start for a, b in zip(rows, rows[1:], strict=False))


def test_frames_go_from_left_to_right_under_every_model(folder, dark):
    for name in UNITS:
        columns = [
            box(folder, dark, **{name: (1, 1, frame)})[1]
            for frame in (0, FRAMES - 1)
        ]
        assert columns[0].stop < columns[1].start


def test_images_and_the_weights_frame_are_bright(folder, dark):
    place = box(folder, dark, plain=(1, 1, 2))
    assert draw_clips(folder, plain=(1, 1, 2))[place].mean() > 0.6
    assert dark[place].mean() < 0.1
    images = black_images()
    images[1, 0] = 255
    bright = draw_clips(folder, images).mean(axis=2) - dark.mean(axis=2) > 0.9
    halves = np.array_split(bright, 2, axis=1)  # under every model
    assert halves[0].sum() == pytest.approx(halves[1].sum(), rel=0.05)
    assert halves[0].sum() > 500


def test_frames_units_clips_and_models_have_their_names(tmp_path, figures):
    draw_clips(tmp_path)
    first, _, second, last = figures[0].axes  # row by row
    assert texts_of(first.get_xticklabels()) == FRAME_NAMES[0]
    assert texts_of(last.get_xticklabels()) == FRAME_NAMES[1]
    assert texts_of(first.get_yticklabels()) == ["unit 0", "unit 1", "unit 2"]
    assert texts_of(last.get_yticklabels()) == ["unit 0", "unit 1"]
    assert first.get_title(loc="left") == "shifted\na clip"
    assert second.get_title(loc="left") == "a second one"
    np.testing.assert_allclose(first.get_xticks(), [10, 30, 50, 70])


NAMELESS = ComparedAttention(np.zeros((CLIPS, 2, FRAMES)), ["a"], ["b"] * 2)


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"images": black_images()[:1]},
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
        "images": black_images(),
        "frame_names": FRAME_NAMES,
        "models": {"plain": attention("plain")},
    }
    with pytest.raises(ValueError, match="Expected.*Received: ") as error:
        save_attention_comparison(
            **{**arguments, **changes}, path=tmp_path / "a.png"
        )
    assert message in str(error.value)
    assert not list(tmp_path.iterdir())
