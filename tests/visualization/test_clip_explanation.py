"""save_clip_explanation: frames, flow and sound with attention over time."""

import functools
import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from ac_keras.visualization import ExplainedModality
from ac_keras.visualization import save_clip_explanation
from support.visualization.explained_clips import BRIGHT
from support.visualization.explained_clips import PREDICTIONS
from support.visualization.explained_clips import absent
from support.visualization.explained_clips import columns_of
from support.visualization.explained_clips import draw_clip
from support.visualization.explained_clips import even_weights
from support.visualization.explained_clips import of_bands
from support.visualization.explained_clips import of_images
from support.visualization.explained_clips import one_hot
from support.visualization.explained_clips import strips_of
from support.visualization.explained_clips import texts_of
from support.visualization.png_pixels import is_color


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Draws modalities and gives the figure and its pixels."""
    return functools.partial(draw_clip, tmp_path / "clip.png", monkeypatch)


def row_names(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_file_and_its_classes_stand_above(draw):
    figure, _ = draw(of_images(even_weights(2, 3)))
    assert texts_of(figure)[:7] == [
        "clip.mp4",
        *("cat", "70.0 %", "dog", "20.0 %", "ox", "10.0 %"),
    ]


def test_a_class_of_twice_the_probability_has_a_bar_twice_as_long(draw):
    figure, _ = draw(of_images(even_weights(2, 3)))
    bars = [x.get_width() for axes in figure.axes for x in axes.patches][:3]
    assert bars[1] == pytest.approx(2 * bars[2])
    assert bars[0] == pytest.approx(7 * bars[2])


def test_of_many_classes_the_first_five_are_drawn(draw):
    predictions = [(f"class {i}", 0.1) for i in range(10)]
    figure, _ = draw(of_images(even_weights(2, 3)), predictions=predictions)
    names = [x for x in texts_of(figure) if x.startswith("class")]
    assert names == [f"class {i}" for i in range(5)]


def test_the_attended_frame_is_bright_at_its_time(draw):
    spans = np.array([[0, 0.5], [0.5, 0.75], [0.75, 2.0]])
    places = [
        columns_of(draw(of_images(one_hot(1, 3, 0, frame), spans))[1], BRIGHT)
        for frame in range(3)
    ]
    widths = [len(columns) for columns in places]
    assert widths[0] == pytest.approx(2 * widths[1], abs=3)
    assert widths[2] == pytest.approx(5 * widths[1], abs=5)
    for columns, following in itertools.pairwise(places):
        assert -1 <= following[0] - columns[-1] <= 2


def test_units_go_from_top_to_bottom(draw):
    heights = []
    for unit in range(3):
        _, picture = draw(of_images(one_hot(3, 4, unit, 1)))
        heights.append(np.nonzero(is_color(picture, BRIGHT))[0].mean())
    assert heights[0] + 10 < heights[1] < heights[2] - 10


def test_each_unit_of_a_few_has_a_row(draw):
    figure, _ = draw(of_images(even_weights(16, 4)))
    (strip,) = strips_of(figure)
    assert row_names(strip) == [f"unit {unit}" for unit in range(1, 17)]


def test_of_many_units_the_most_decided_and_the_mean_are_drawn(draw):
    attention = even_weights(128, 4)
    decided = [100, 7, 40]
    for rank, unit in enumerate(decided):
        attention[unit] = [0.97 - 0.1 * rank, 0.01, 0.01, 0.01 + 0.1 * rank]
    figure, _ = draw(of_images(attention))
    (strip,) = strips_of(figure)
    names = row_names(strip)
    assert names[:3] == [f"unit {unit + 1}" for unit in decided]
    assert len(names) == 12
    assert any("128 units, here their mean" in x for x in texts_of(figure))
    (mean,) = (x for x in figure.axes if row_names(x)[:1] == ["mean, to 0.26"])
    np.testing.assert_allclose(
        mean.collections[0].get_array()[0, ::2], attention.mean(axis=0)
    )


def test_the_largest_weight_and_an_even_one_are_told(draw):
    figure, _ = draw(of_images(np.array([[0.5, 0.25, 0.25, 0.0]])))
    text = "rgb: 4 frames, 1 unit, largest weight 0.5 (even: 0.25)"
    assert text in texts_of(figure)


def test_an_absent_modality_says_so_and_has_no_strip(draw):
    figure, _ = draw(of_images(even_weights(2, 3)), absent("audio", "bands"))
    assert "audio: absent from the file" in texts_of(figure)
    assert len(strips_of(figure)) == 1


def test_sound_alone_is_drawn_with_what_is_absent(draw):
    figure, picture = draw(
        absent("rgb", "images"),
        absent("flow", "flow"),
        of_bands(one_hot(2, 3, 0, 1)),
    )
    assert len(strips_of(figure)) == 1
    assert len(columns_of(picture, BRIGHT)) > 200


@pytest.mark.parametrize(
    "name", ["$x_$%<.mp4", "a\nb.mp4", "a\udcff.mp4", "中"]
)
def test_names_are_taken_as_they_are(name, draw):
    figure, picture = draw(
        of_images(one_hot(1, 2, 0, 0)), title=name, predictions=[(name, 1.0)]
    )
    assert len(columns_of(picture, BRIGHT)) > 100
    title, label = texts_of(figure)[:2]
    assert title == label and title.startswith(name[0]) and "\n" not in title


def test_a_long_name_keeps_both_its_ends(draw):
    name = f"begin{'-' * 300}end.mp4"
    figure, _ = draw(of_images(even_weights(1, 2)), title=name)
    title = texts_of(figure)[0]
    assert len(title) < 80
    assert title.startswith("begin") and title.endswith("end.mp4")


@pytest.mark.parametrize(
    "attention, spans, kind, picture",
    [
        ((2, 3), (2, 2), "images", (3, 8, 8, 3)),
        ((2, 3), (3,), "images", (3, 8, 8, 3)),
        ((3,), (3, 2), "images", (3, 8, 8, 3)),
        ((2, 3), (3, 2), "images", (4, 8, 8, 3)),
        ((2, 3), (3, 2), "images", (3, 8, 8)),
        ((2, 3), (3, 2), "flow", (3, 8, 8, 3)),
        ((2, 3), (3, 2), "bands", (96, 64)),  # without its span
        ((2, 3), (3, 2), "sound", (96, 64)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(attention, spans, kind, picture):
    with pytest.raises(ValueError) as error:
        ExplainedModality(
            "rgb", np.zeros(attention), np.zeros(spans), kind, np.zeros(picture)
        )
    received = f"kind={kind!r}, attention {attention}, spans {spans}, picture"
    assert f"Received: {received} {picture}" in str(error.value)


def test_a_failure_leaves_no_part_of_a_picture(tmp_path, monkeypatch):
    def fail_half_way(figure, path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail_half_way)
    with pytest.raises(OSError, match="No space left"):
        save_clip_explanation(
            "a", PREDICTIONS, [of_images(np.ones((1, 1)))], tmp_path / "a.png"
        )
    assert not list(tmp_path.iterdir())
