"""save_attention_comparison: the same clips under several models."""

import numpy as np
import pytest

from digit_pictures import ComparedAttention
from digit_pictures import save_attention_comparison
from support.visualization.drawn_figures import watch_figures
from support.visualization.png_pixels import changed_box
from support.visualization.png_pixels import read_png

CLIPS, FRAMES, HEIGHT, WIDTH = 2, 4, 4, 20
UNITS = {"shifted": 3, "plain": 2}
FRAME_NAMES = [["", "7", "", "0 3"], ["1", "", "", ""]]


def black_images():
    return np.zeros((CLIPS, FRAMES, HEIGHT, WIDTH), np.uint8)


def attention(name, *index):
    scores = np.zeros((CLIPS, UNITS[name], FRAMES))
    if index:
        scores[index] = 1
    names = [f"unit {unit}" for unit in range(UNITS[name])]
    return ComparedAttention(scores, names, ["a clip", "a second one"])


def draw(path, images=None, frame_names=FRAME_NAMES, **indices):
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
    return draw(folder)


def box(folder, dark, **indices):
    """Where a weight is drawn."""
    return changed_box(draw(folder, **indices), dark)


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


def test_the_weights_frame_is_bright(folder, dark):
    place = box(folder, dark, plain=(1, 1, 2))
    assert draw(folder, plain=(1, 1, 2))[place].mean() > 0.6
    assert dark[place].mean() < 0.1


def test_images_are_drawn_under_every_model(folder, dark):
    images = black_images()
    images[1, 0] = 255
    bright = draw(folder, images).mean(axis=2) - dark.mean(axis=2) > 0.9
    halves = np.array_split(bright, 2, axis=1)
    assert halves[0].sum() == pytest.approx(halves[1].sum(), rel=0.05)
    assert halves[0].sum() > 500


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    with watch_figures(monkeypatch) as saved:
        yield saved


def words(labels):
    return [label.get_text() for label in labels]


def test_frames_units_clips_and_models_have_their_names(tmp_path, figures):
    draw(tmp_path)
    first, _, second, last = figures[0].axes  # row by row
    assert words(first.get_xticklabels()) == FRAME_NAMES[0]
    assert words(last.get_xticklabels()) == FRAME_NAMES[1]
    assert words(first.get_yticklabels()) == ["unit 0", "unit 1", "unit 2"]
    assert words(last.get_yticklabels()) == ["unit 0", "unit 1"]
    assert first.get_title(loc="left") == "shifted\na clip"
    assert second.get_title(loc="left") == "a second one"
    np.testing.assert_allclose(first.get_xticks(), [10, 30, 50, 70])


def refuse(path, images=None, frame_names=FRAME_NAMES, models=None):
    with pytest.raises(ValueError, match="Expected.*Received: .*Give") as error:
        save_attention_comparison(
            black_images() if images is None else images,
            frame_names,
            {"plain": attention("plain")} if models is None else models,
            path / "attention.png",
        )
    assert not list(path.iterdir())
    return str(error.value)


def test_scores_of_other_clips_are_refused(tmp_path):
    message = refuse(tmp_path, images=black_images()[:1])
    assert "images (1, 4, 4, 20); plain: scores (2, 2, 4)" in message


def test_units_without_a_name_are_refused(tmp_path):
    nameless = ComparedAttention(np.zeros((CLIPS, 2, FRAMES)), ["a"], ["b"] * 2)
    message = refuse(tmp_path, models={"plain": nameless})
    assert "plain: scores (2, 2, 4), 1 unit names and 2 titles" in message


def test_no_model_is_refused(tmp_path):
    assert "images (2, 4, 4, 20); no model" in refuse(tmp_path, models={})


def test_frames_without_a_name_are_refused(tmp_path):
    names = [FRAME_NAMES[0], ["1"]]
    assert "[4, 1] names" in refuse(tmp_path, frame_names=names)
