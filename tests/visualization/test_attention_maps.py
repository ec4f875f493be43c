"""save_attention_maps and attention_plot: weights of units over frames."""

import io

import numpy as np
import pytest
from matplotlib import colormaps

from ac_keras.visualization import attention_plot
from ac_keras.visualization import save_attention_maps
from support.visualization.saved_figures import full_disk
from support.visualization.saved_figures import is_color
from support.visualization.saved_figures import read_png
from support.visualization.saved_figures import texts_of
from support.visualization.saved_figures import watch_figures

CLIPS, UNITS, FRAMES, HEIGHT, WIDTH = 2, 3, 4, 4, 20
BRIGHT = colormaps["inferno"](1.0)[:3]


def one_hot(num_units, num_frames, *index):
    weights = np.zeros((num_units, num_frames))
    weights[index] = 1
    return weights


def plot_of(attention):
    return read_png(io.BytesIO(attention_plot(attention)))


def test_a_clip_has_a_row_of_frames_and_a_row_for_each_unit(
    tmp_path, monkeypatch
):
    generator = np.random.default_rng(0)
    shape = (CLIPS, FRAMES, HEIGHT, WIDTH)
    images = generator.integers(0, 256, shape).astype(np.uint8)
    scores = generator.dirichlet(np.ones(FRAMES), (CLIPS, UNITS))
    with watch_figures(monkeypatch) as figures:
        save_attention_maps(images, scores, ["a", "b"], tmp_path / "a.png")
    assert [axes.get_title("left") for axes in figures[0].axes] == ["a", "b"]
    assert read_png(tmp_path / "a.png").std() > 0.1
    for clip, axes in enumerate(figures[0].axes):
        names = texts_of(axes.get_yticklabels())
        assert names == ["unit 1", "unit 2", "unit 3"]
        np.testing.assert_array_equal(axes.get_yticks(), [6, 10, 14])
        grid = np.asarray(axes.images[0].get_array())
        assert grid.shape == (HEIGHT * (1 + UNITS), WIDTH * FRAMES, 3)
        for frame in range(FRAMES):
            columns = slice(frame * WIDTH, (frame + 1) * WIDTH)
            gray = images[clip, frame, ..., None] / 255
            shown = np.broadcast_to(gray, (HEIGHT, WIDTH, 3))
            np.testing.assert_allclose(grid[:HEIGHT, columns], shown)
            for unit in range(UNITS):
                color = colormaps["inferno"](scores[clip, unit, frame])[:3]
                expected = np.clip(0.8 * np.array(color) + 0.2 * gray, 0, 1)
                top = (1 + unit) * HEIGHT
                assert (grid[top, columns] == 1).all()  # a white line
                np.testing.assert_allclose(
                    grid[top + 1 : top + HEIGHT, columns], expected[1:]
                )


@pytest.mark.parametrize(
    "images, scores, num_titles",
    [
        ((2, 4, 8, 10), (2, 3, 5), 2),  # another number of frames
        ((2, 4, 8, 10), (1, 3, 4), 2),
        ((2, 4, 8, 10), (2, 3, 4), 1),
        ((4, 8, 10), (2, 3, 4), 2),
        ((2, 4, 8, 10), (2, 4), 2),
    ],
)
def test_shapes_that_do_not_match_are_rejected(
    images, scores, num_titles, tmp_path
):
    with pytest.raises(ValueError) as error:
        save_attention_maps(
            np.zeros(images), np.zeros(scores), ["x"] * num_titles, tmp_path
        )
    received = f"images {images}, scores {scores} and {num_titles} titles."
    assert f"Received: {received}" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_no_part_of_a_file(tmp_path, monkeypatch):
    images = np.zeros((1, FRAMES, HEIGHT, WIDTH), np.uint8)
    with full_disk(monkeypatch):
        save_attention_maps(images, np.eye(FRAMES)[None], "a", tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_a_plot_is_a_few_hundred_pixels():
    one = plot_of({"rgb": one_hot(8, 5, 0, 0)})
    three = plot_of({name: one_hot(64, 25, 0, 0) for name in "abc"})
    assert one.shape[0] == three.shape[0] == 320
    assert 250 < one.shape[1] < 350 and 800 < three.shape[1] < 1000
    assert is_color(one, BRIGHT).any() and is_color(three, BRIGHT).any()


def test_each_modality_has_a_map_of_its_weights_up_to_the_largest(monkeypatch):
    weights = np.random.default_rng(0).dirichlet(np.ones(4), 3)
    attention = {
        "rgb": weights,
        "$x_$%<": weights / 100,
        "zeros": np.zeros((4, 3)),
        "no frames": np.zeros((4, 0)),
    }
    with watch_figures(monkeypatch) as figures:
        attention_plot(attention)
    axes = figures[0].axes
    places = [x.get_position().x0 for x in axes]
    assert places == sorted(set(places))
    for (name, weights), drawn in zip(
        attention.items(), axes[:2], strict=False
    ):
        (image,) = drawn.images
        np.testing.assert_allclose(image.get_array(), weights, rtol=1e-6)
        assert image.get_clim() == pytest.approx((0, weights.max()))
        assert image.get_cmap().name == "inferno"
        assert list(image.get_extent()) == [0.5, 4.5, 3.5, 0.5]
        assert drawn.get_title() == f"{name}, up to {weights.max():.2g}"
    for drawn in axes[2:]:  # a title alone
        assert drawn.get_title() and not (drawn.axison or drawn.images)


@pytest.mark.parametrize("attention", [{}, {"rgb": np.ones((2, 3, 4))}])
def test_anything_but_maps_is_rejected(attention):
    message = r"\(num_units, num_frames\).*Received"
    with pytest.raises(ValueError, match=message):
        attention_plot(attention)
