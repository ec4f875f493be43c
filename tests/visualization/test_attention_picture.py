"""attention_picture: one clip's attention as a small PNG."""

import io

import numpy as np
import pytest
from matplotlib import colormaps

from ac_keras.visualization import attention_maps
from support.visualization.png_pixels import changed_box
from support.visualization.png_pixels import is_color
from support.visualization.png_pixels import read_png

BRIGHT = colormaps["inferno"](1.0)[:3]


def draw(attention):
    return read_png(io.BytesIO(attention_maps(attention)))


def one_hot(num_units, num_frames, *index):
    weights = np.zeros((num_units, num_frames))
    weights[index] = 1
    return weights


def test_the_picture_is_a_few_hundred_pixels():
    one = draw({"rgb": one_hot(8, 5, 0, 0)})
    three = draw({name: one_hot(64, 25, 0, 0) for name in ("a", "b", "c")})
    assert one.shape[0] == three.shape[0] == 320
    assert 250 < one.shape[1] < 350 and 800 < three.shape[1] < 1000


def test_the_attended_frame_of_the_unit_is_the_bright_one():
    places = {}
    for unit in range(3):
        for frame in range(4):
            picture = draw({"rgb": one_hot(3, 4, unit, frame)})
            rows, columns = np.nonzero(is_color(picture, BRIGHT))
            assert len(rows) > 500
            places[unit, frame] = rows.mean(), columns.mean()
    for unit, frame in places:
        assert places[unit, frame][0] == pytest.approx(places[unit, 0][0])
        assert places[unit, frame][1] == pytest.approx(places[0, frame][1])
    assert places[0, 0][0] + 30 < places[1, 0][0] < places[2, 0][0] - 30
    assert np.diff([places[0, frame][1] for frame in range(4)]).min() > 30


def test_small_weights_are_seen_and_their_size_is_told():
    large = draw({"rgb": one_hot(3, 4, 1, 2)})
    small = draw({"rgb": one_hot(3, 4, 1, 2) / 100})
    assert is_color(small, BRIGHT).sum() == is_color(large, BRIGHT).sum()
    rows, _ = changed_box(small, large)
    assert rows.stop < 40  # the title


def test_modalities_are_side_by_side():
    maps = {"rgb": one_hot(2, 2, 0, 0), "audio": one_hot(2, 2, 0, 0)}
    _, columns = np.nonzero(is_color(draw(maps), BRIGHT))
    middle = draw(maps).shape[1] / 2
    assert (columns < middle).any() and (columns > middle).any()


@pytest.mark.parametrize("absent", [np.zeros((4, 3)), np.zeros((4, 0))])
def test_an_absent_modality_has_no_map(absent):
    picture = draw({"rgb": one_hot(4, 3, 0, 0), "audio": absent})
    half = picture.shape[1] // 2
    assert (picture[60:, half + 20 :] > 0.98).all()  # below the title
    assert (picture[:60, half:] < 0.5).any()
    assert is_color(picture[:, :half], BRIGHT).any()


def test_names_are_taken_as_they_are():
    picture = draw({"$x_$%<": one_hot(4, 3, 0, 0)})
    assert is_color(picture, BRIGHT).any()


@pytest.mark.parametrize("attention", [{}, {"rgb": np.ones((2, 3, 4))}])
def test_anything_but_maps_is_refused(attention):
    with pytest.raises(
        ValueError, match=r"\(num_units, num_frames\).*Received"
    ):
        attention_maps(attention)
