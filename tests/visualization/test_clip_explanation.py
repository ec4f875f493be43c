"""save_clip_explanation: content of a clip and attention to it over time."""

import numpy as np
import pytest
from matplotlib import colormaps

from ac_keras.visualization import ExplainedModality
from ac_keras.visualization import save_clip_explanation
from support.visualization.saved_figures import full_disk
from support.visualization.saved_figures import is_color
from support.visualization.saved_figures import read_png
from support.visualization.saved_figures import texts_of
from support.visualization.saved_figures import watch_figures

SECONDS = 2.0
PREDICTIONS = (("cat", 0.7), ("dog", 0.2), ("ox", 0.1))
BRIGHT = colormaps["inferno"](1.0)[:3]
GRAY = (0.92, 0.92, 0.92)  # a time without a frame


def even_spans(num_frames, seconds=SECONDS):
    edges = np.linspace(0, seconds, num_frames + 1)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def even_weights(num_units, num_frames):
    return np.full((num_units, num_frames), 1 / max(num_frames, 1))


def one_hot(num_units, num_frames, *index):
    weights = np.zeros((num_units, num_frames))
    weights[index] = 1
    return weights


def of_images(attention, spans=None):
    """Makes frames of one gray each, whose level is the frame's number."""
    num_frames = attention.shape[1]
    images = np.zeros((num_frames, 8, 12, 3), np.uint8)
    images += np.arange(num_frames, dtype=np.uint8)[:, None, None, None]
    spans = even_spans(num_frames) if spans is None else spans
    return ExplainedModality("rgb", attention, spans, "images", images)


def of_flow(attention, motion):
    """Makes flow of the same motion in every frame."""
    num_frames = attention.shape[1]
    flow = np.broadcast_to(np.float32(motion), (num_frames, 8, 8, 2))
    return ExplainedModality(
        "flow", attention, even_spans(num_frames), "flow", flow
    )


def of_bands(attention, loud=None, spans=None, seconds=SECONDS):
    """Makes a spectrogram of silence that is loud at some steps of 10 ms."""
    bands = np.full((round(100 * seconds), 64), -4.6)
    if loud is not None:
        bands[loud] = 3.0
    num_frames = attention.shape[1]
    spans = even_spans(num_frames) if spans is None else spans
    return ExplainedModality(
        "audio", attention, spans, "bands", bands, (0.0, seconds)
    )


def absent(name, kind):
    return ExplainedModality(name, np.zeros((3, 0)), np.zeros((0, 2)), kind)


def all_texts(figure):
    return [text for axes in figure.axes for text in texts_of(axes.texts)]


def strips_of(figure):
    """Returns the axes with a row for each unit."""
    return [axes for axes in figure.axes if axes.get_xlabel() == "seconds"]


def columns_of(plot, color):
    """Returns the columns in which the colour fills many pixels."""
    counts = is_color(plot, color).sum(axis=0)
    return np.flatnonzero(counts > 10)


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Draws modalities and returns the figure and its pixels."""

    def draw(*modalities, title="clip.mp4", predictions=PREDICTIONS):
        path = tmp_path / "clip.png"
        with watch_figures(monkeypatch) as figures:
            save_clip_explanation(title, predictions, modalities, path)
        return figures[0], read_png(path)

    return draw


def test_the_name_and_the_first_five_classes_are_above(draw):
    predictions = [(f"class {i}", 0.5 - 0.05 * i) for i in range(10)]
    figure, _ = draw(of_images(even_weights(2, 3)), predictions=predictions)
    assert all_texts(figure)[:11] == [
        *("clip.mp4", "class 0", "50.0 %", "class 1", "45.0 %"),
        *("class 2", "40.0 %", "class 3", "35.0 %", "class 4", "30.0 %"),
    ]
    assert not any("class 5" in text for text in all_texts(figure))
    bars = [x.get_width() for x in figure.axes[1].patches]
    np.testing.assert_allclose(
        np.divide(bars, bars[0]), [1, 0.9, 0.8, 0.7, 0.6]
    )


@pytest.mark.parametrize(
    "spans, edges",
    [
        ([[0, 1], [0.5, 1.5], [1, 2]], [0, 0.75, 0.75, 1.25, 1.25, 2]),
        ([[0, 0.5], [0.5, 1], [1.5, 2]], [0, 0.5, 0.5, 1, 1.5, 2]),
    ],
)
def test_a_strip_has_a_row_for_each_unit_and_each_frame_at_its_time(
    spans, edges, draw
):
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 2)
    figure, _ = draw(of_bands(weights, spans=np.array(spans, float)))
    (strip,) = strips_of(figure)
    mesh = strip.collections[0]
    assert mesh.get_cmap().name == "inferno"
    places = mesh.get_coordinates()
    np.testing.assert_allclose(places[0, :, 0], edges)
    np.testing.assert_allclose(places[:, 0, 1], [0, 1, 2])
    drawn = mesh.get_array()
    np.testing.assert_allclose(drawn[:, ::2], weights)
    assert drawn.mask[:, 1::2].all()  # between two frames
    assert strip.get_ylim() == (2, 0)  # the first unit at the top
    assert texts_of(strip.get_yticklabels()) == ["unit 1", "unit 2"]
    assert strip.get_facecolor()[:3] == pytest.approx(GRAY)


def test_each_unit_of_a_few_has_a_row(draw):
    figure, _ = draw(of_images(even_weights(16, 4)))
    (strip,) = strips_of(figure)
    assert texts_of(strip.get_yticklabels()) == [
        f"unit {unit}" for unit in range(1, 17)
    ]


def test_of_many_units_the_most_decided_and_the_mean_are_drawn(draw):
    attention = even_weights(128, 4)
    decided = [100, 7, 40]
    for rank, unit in enumerate(decided):
        attention[unit] = [0.97 - 0.1 * rank, 0.01, 0.01, 0.01 + 0.1 * rank]
    figure, _ = draw(of_images(attention))
    (strip,) = strips_of(figure)
    names = texts_of(strip.get_yticklabels())
    assert names[:3] == [f"unit {unit + 1}" for unit in decided]
    assert len(names) == 12
    assert any("128 units, here their mean" in x for x in all_texts(figure))
    (mean,) = (
        axes
        for axes in figure.axes
        if texts_of(axes.get_yticklabels())[:1] == ["mean, to 0.26"]
    )
    np.testing.assert_allclose(
        mean.collections[0].get_array()[0, ::2], attention.mean(axis=0)
    )


def test_headings_have_the_largest_weight_and_the_legend_full_speed(draw):
    attention = np.array([[0.5, 0.25, 0.25, 0.0]])
    figure, _ = draw(of_images(attention), of_flow(attention, (3.0, 4.0)))
    texts = all_texts(figure)
    for name in ("rgb", "flow"):
        heading = f"{name}: 4 frames, 1 unit, largest weight 0.5 (even: 0.25)"
        assert heading in texts
    assert "full colour 5.0 pixels a frame" in texts[-1]


def test_audio_alone_is_drawn_and_absent_modalities_have_no_strip(draw):
    figure, plot = draw(
        absent("rgb", "images"),
        absent("flow", "flow"),
        of_bands(one_hot(2, 3, 0, 1)),
    )
    texts = all_texts(figure)
    assert "rgb: absent from the file" in texts
    assert "flow: absent from the file" in texts
    assert len(strips_of(figure)) == 1
    assert len(columns_of(plot, BRIGHT)) > 200


@pytest.mark.parametrize(
    "num_frames, levels",
    [(1, [0]), (7, range(7)), (100, range(5, 100, 10))],
)
def test_at_most_ten_frames_at_equal_intervals_are_shown(
    num_frames, levels, draw
):
    figure, _ = draw(of_images(even_weights(2, num_frames)))
    shown = [image for axes in figure.axes for image in axes.images]
    grays = [int(image.get_array()[0, 0, 0]) for image in shown]
    assert grays == list(levels)


@pytest.mark.parametrize("motion", [(3, 0), (-3, 0), (0, 3), (0, -3)])
def test_motion_has_the_wheels_colour_of_its_direction(motion, draw):
    figure, _ = draw(of_flow(even_weights(1, 1), motion))
    flow, wheel = (
        image.get_array()
        for axes in figure.axes
        for shown in (axes, *axes.child_axes)
        for image in shown.images
    )
    middle = len(wheel) / 2
    x, y = (round(middle + 0.32 * side * middle) for side in motion)
    np.testing.assert_allclose(flow[0, 0], wheel[y, x, :3], atol=0.1)


def test_no_motion_is_white_and_slow_motion_is_pale(draw):
    figure, _ = draw(of_flow(even_weights(1, 1), (0, 0)))
    assert np.all(figure.axes[3].images[0].get_array() == 1)
    figure, _ = draw(of_flow(even_weights(1, 1), (0.1, 0)))
    assert figure.axes[3].images[0].get_array().min() == pytest.approx(0.8)


def test_the_spectrogram_is_aligned_with_the_frames(draw):
    _, plot = draw(of_bands(one_hot(2, 4, 0, 2), loud=slice(100, 150)))
    bright = columns_of(plot, BRIGHT)
    black = is_color(plot[:400], (0, 0, 0)).sum(axis=0)
    loud = np.flatnonzero(black > 100)
    loud = loud[(loud > loud[0] + 2) & (loud < loud[-1] - 2)]  # not the frame
    assert abs(loud[0] - bright[0]) < 6 and abs(loud[-1] - bright[-1]) < 6


def test_all_modalities_share_the_time_axis(draw):
    figure, _ = draw(
        of_images(even_weights(2, 5)),
        of_bands(even_weights(2, 3), spans=even_spans(3, 3.0), seconds=3.0),
    )
    limits = [axes.get_xlim() for axes in strips_of(figure)]
    assert limits == [(0.0, 3.0), (0.0, 3.0)]


@pytest.mark.parametrize(
    "name", ["$x_$%<.mp4", "a\nb.mp4", "a\udcff.mp4", "中"]
)
def test_names_need_no_markup(name, draw):
    figure, plot = draw(
        of_images(one_hot(1, 2, 0, 0)), title=name, predictions=[(name, 1.0)]
    )
    assert len(columns_of(plot, BRIGHT)) > 100
    title, label = all_texts(figure)[:2]
    assert title == label and title.startswith(name[0]) and "\n" not in title


def test_a_long_name_keeps_both_its_ends(draw):
    name = f"begin{'-' * 300}end.mp4"
    figure, _ = draw(of_images(even_weights(1, 2)), title=name)
    title = all_texts(figure)[0]
    assert len(title) < 80
    assert title.startswith("begin") and title.endswith("end.mp4")


@pytest.mark.parametrize(
    "attention, spans, kind, content",
    [
        ((2, 3), (2, 2), "images", (3, 8, 8, 3)),
        ((2, 3), (3,), "images", (3, 8, 8, 3)),
        ((3,), (3, 2), "images", (3, 8, 8, 3)),
        ((2, 3), (3, 2), "images", (4, 8, 8, 3)),
        ((2, 3), (3, 2), "images", (3, 8, 8)),
        ((2, 3), (3, 2), "flow", (3, 8, 8, 3)),
        ((2, 3), (3, 2), "bands", (96, 64)),  # without its span
        ((2, 3), (3, 2), "audio", (96, 64)),
    ],
)
def test_shapes_that_do_not_match_are_rejected(attention, spans, kind, content):
    with pytest.raises(ValueError) as error:
        ExplainedModality(
            "rgb", np.zeros(attention), np.zeros(spans), kind, np.zeros(content)
        )
    received = f"kind={kind!r}, attention {attention}, spans {spans}, content"
    assert f"Received: {received} {content}" in str(error.value)


def test_a_failure_leaves_no_part_of_a_file(tmp_path, monkeypatch):
    clip = [of_images(np.ones((1, 1)))]
    with full_disk(monkeypatch):
        save_clip_explanation("a", PREDICTIONS, clip, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
