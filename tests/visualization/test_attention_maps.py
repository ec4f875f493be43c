"""save_attention_maps: clips, each with a row of weights for every unit."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from ac_keras.visualization import save_attention_maps
from support.visualization.png_pixels import changed_box
from support.visualization.png_pixels import is_color
from support.visualization.png_pixels import read_png

CLIPS, UNITS, FRAMES, HEIGHT, WIDTH = 2, 3, 4, 4, 20
SHAPE = (CLIPS, UNITS, FRAMES)


def black_images():
    return np.zeros((CLIPS, FRAMES, HEIGHT, WIDTH), np.uint8)


def draw(path, images=None, scores=None):
    images = black_images() if images is None else images
    scores = np.zeros(SHAPE) if scores is None else scores
    save_attention_maps(images, scores, ["a clip"] * CLIPS, path)
    return read_png(path)


def weight_at(*index, weight=1.0):
    scores = np.zeros(SHAPE)
    scores[index] = weight
    return scores


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("maps")


@pytest.fixture(scope="module")
def dark(folder):
    """The picture of black images and no weight anywhere."""
    return draw(folder / "dark.png")


@pytest.fixture(scope="module")
def columns(folder, dark):
    """The columns of the picture that show each frame's weights."""
    pictures = [
        draw(folder / "frame.png", scores=weight_at(..., frame))
        for frame in range(FRAMES)
    ]
    return [changed_box(picture, dark)[1] for picture in pictures]


@pytest.fixture(scope="module")
def rows(folder, dark):
    """The rows of the picture that show each unit's weights, clip by clip."""
    units = [(clip, unit) for clip in range(CLIPS) for unit in range(UNITS)]
    pictures = {
        unit: draw(folder / "unit.png", scores=weight_at(*unit))
        for unit in units
    }
    return {unit: changed_box(pictures[unit], dark)[0] for unit in units}


def test_frames_go_from_left_to_right(columns):
    for frame, following in itertools.pairwise(columns):
        assert 0 <= following.start - frame.stop <= 1  # side by side
        assert frame.stop - frame.start > 200


def test_units_go_from_top_to_bottom_clip_by_clip(rows):
    for unit, below in itertools.pairwise(rows.values()):
        assert below.start >= unit.stop
        assert unit.stop - unit.start > 20


def test_the_frame_with_all_the_weight_is_the_bright_one(folder, rows, columns):
    frames = {(0, 0): 2, (0, 1): 0, (0, 2): 3, (1, 0): 1, (1, 1): 1, (1, 2): 2}
    scores = sum(weight_at(*unit, frame) for unit, frame in frames.items())
    picture = draw(folder / "bright.png", scores=scores)
    for unit, frame in frames.items():
        brightness = [picture[rows[unit], place].mean() for place in columns]
        assert np.argmax(brightness) == frame
        assert brightness[frame] > 2 * sorted(brightness)[-2]


def test_more_weight_is_brighter(folder, rows, columns):
    scores = weight_at(0, 1, slice(None), weight=[0.0, 0.3, 0.6, 1.0])
    picture = draw(folder / "weight.png", scores=scores)
    brightness = [picture[rows[0, 1], place].mean() for place in columns]
    assert np.diff(brightness).min() > 0.05


def test_the_images_are_drawn_above_their_weights(folder, dark, rows, columns):
    images = black_images()
    images[0, 1, :, : WIDTH // 2] = 255
    images[0, 2] = 128
    picture = draw(folder / "images.png", images)
    top = changed_box(picture, dark)[0].start
    assert rows[0, 0].start - top > 20
    shown = slice(top + 1, top + rows[0, 1].start - rows[0, 0].start - 1)
    halves = np.array_split(picture[shown, columns[1]], 2, axis=1)
    assert halves[0][:, :-2].min() > 0.98
    assert halves[1][:, 2:-2].max() < 0.02
    gray = picture[shown, columns[2]][:, 2:-2]
    np.testing.assert_allclose(gray, 128 / 255, atol=0.01)


def test_the_frame_shows_through_its_weight(folder, dark, rows, columns):
    images = black_images()
    images[0, 1] = 255
    cell = rows[0, 2], columns[1]
    gain = draw(folder / "through.png", images)[cell].mean() - dark[cell].mean()
    assert 0.05 < gain < 0.5


def test_a_map_without_weights_is_dark(dark, rows, columns):
    for unit in rows.values():
        assert dark[unit, columns[0].start : columns[-1].stop].max() < 0.1
    assert is_color(dark, (1, 1, 1)).mean() > 0.1  # the paper around it


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
def test_shapes_that_do_not_fit_are_refused(
    images, scores, num_titles, tmp_path
):
    with pytest.raises(ValueError) as error:
        save_attention_maps(
            np.zeros(images), np.zeros(scores), ["x"] * num_titles, tmp_path
        )
    received = f"images {images}, scores {scores} and {num_titles} titles."
    assert f"Received: {received}" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_no_part_of_a_picture(tmp_path, monkeypatch):
    def fail_half_way(figure, path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail_half_way)
    with pytest.raises(OSError, match="No space left"):
        draw(tmp_path / "map.png")
    assert not list(tmp_path.iterdir())
