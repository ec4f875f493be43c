"""Frames, flow and spectrogram, each at its time above the attention."""

import functools

import numpy as np
import pytest

from support.visualization.explained_clips import BRIGHT
from support.visualization.explained_clips import columns_of
from support.visualization.explained_clips import draw_clip
from support.visualization.explained_clips import even_spans
from support.visualization.explained_clips import even_weights
from support.visualization.explained_clips import of_bands
from support.visualization.explained_clips import of_flow
from support.visualization.explained_clips import of_images
from support.visualization.explained_clips import one_hot
from support.visualization.explained_clips import strips_of
from support.visualization.explained_clips import texts_of
from support.visualization.png_pixels import is_color

GRAY = (0.92, 0.92, 0.92)  # where there is no frame


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Draws modalities and gives the figure and its pixels."""
    return functools.partial(draw_clip, tmp_path / "clip.png", monkeypatch)


def shown_levels(figure):
    """The grays of the images that are drawn, from left to right."""
    return [
        int(image.get_array()[0, 0, 0])
        for axes in figure.axes
        for image in axes.images
    ]


def test_a_few_frames_are_all_shown(draw):
    figure, _ = draw(of_images(even_weights(2, 7)))
    assert shown_levels(figure) == list(range(7))


def test_of_many_frames_ten_are_shown_evenly_chosen(draw):
    figure, _ = draw(of_images(even_weights(2, 100)))
    assert shown_levels(figure) == list(range(5, 100, 10))


def test_motion_has_the_colour_that_the_wheel_has_in_its_direction(draw):
    for motion in [(3, 0), (-3, 0), (0, 3), (0, -3)]:
        figure, _ = draw(of_flow(even_weights(1, 1), motion))
        flow, wheel = (
            image.get_array()
            for axes in figure.axes
            for image in (*axes.images, *_images_within(axes))
        )
        middle = len(wheel) / 2
        x, y = (round(middle + 0.32 * side * middle) for side in motion)
        np.testing.assert_allclose(flow[0, 0], wheel[y, x, :3], atol=0.1)


def _images_within(axes):
    return [image for child in axes.child_axes for image in child.images]


def test_what_is_still_is_white_and_slow_motion_pale(draw):
    figure, _ = draw(of_flow(even_weights(1, 1), (0, 0)))
    assert np.all(figure.axes[3].images[0].get_array() == 1)
    figure, _ = draw(of_flow(even_weights(1, 1), (0.1, 0)))
    assert figure.axes[3].images[0].get_array().min() == pytest.approx(0.8)


def test_the_speed_of_a_full_colour_is_told(draw):
    figure, _ = draw(of_flow(even_weights(1, 2), (3.0, 4.0)))
    assert "full colour 5.0 pixels a frame" in texts_of(figure)[-1]


def test_overlapping_frames_meet_in_the_middle(draw):
    spans = np.array([[0.0, 1.0], [0.5, 1.5], [1.0, 2.0]])
    _, picture = draw(of_bands(one_hot(1, 3, 0, 1), spans=spans))
    _, whole = draw(of_bands(np.ones((1, 1))))
    share = len(columns_of(picture, BRIGHT)) / len(columns_of(whole, BRIGHT))
    assert share == pytest.approx(0.25, abs=0.01)


def test_where_there_is_no_frame_the_strip_is_gray(draw):
    spans = np.array([[0.0, 0.5], [1.5, 2.0]])
    _, picture = draw(of_bands(one_hot(1, 2, 0, 0), spans=spans))
    bright, gray = columns_of(picture, BRIGHT), columns_of(picture, GRAY)
    assert len(gray) == pytest.approx(2 * len(bright), abs=4)
    assert gray[0] > bright[-1]


def test_a_sound_lies_above_the_frame_in_which_it_is_heard(draw):
    _, picture = draw(of_bands(one_hot(2, 4, 0, 2), loud=slice(100, 150)))
    bright = columns_of(picture, BRIGHT)
    black = is_color(picture[:400], (0, 0, 0)).sum(axis=0)
    loud = np.flatnonzero(black > 100)
    loud = loud[(loud > loud[0] + 2) & (loud < loud[-1] - 2)]  # not the frame
    assert abs(loud[0] - bright[0]) < 6 and abs(loud[-1] - bright[-1]) < 6


def test_all_modalities_share_the_axis_of_time(draw):
    figure, _ = draw(
        of_images(even_weights(2, 5)),
        of_bands(even_weights(2, 3), spans=even_spans(3, 3.0), seconds=3.0),
    )
    limits = [axes.get_xlim() for axes in strips_of(figure)]
    assert limits == [(0.0, 3.0), (0.0, 3.0)]


def test_a_single_frame_fills_the_strip(draw):
    figure, picture = draw(of_images(np.ones((1, 1))))
    assert shown_levels(figure) == [0]
    bright = columns_of(picture, BRIGHT)
    assert len(bright) > 800 and np.ptp(bright) + 1 == len(bright)
