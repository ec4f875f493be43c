"""What a view makes of a frame's size, and which frames it takes."""

import numpy as np
import pytest

from ac_keras.extraction.media.frame_view import FrameView


def test_consecutive_frames_start_at_the_chosen_one():
    rows = FrameView(32, num_consecutive=3).rows(np.array([0, 4]), 10)
    assert rows.tolist() == [[0, 1, 2], [4, 5, 6]]


def test_consecutive_frames_are_moved_back_into_the_clip():
    rows = FrameView(32, num_consecutive=4).rows(np.array([5, 8, 9]), 10)
    assert rows.tolist() == [[5, 6, 7, 8], [6, 7, 8, 9], [6, 7, 8, 9]]


def test_a_clip_shorter_than_a_stack_repeats_its_last_frame():
    rows = FrameView(32, num_consecutive=5).rows(np.array([0, 1]), 2)
    assert rows.tolist() == [[0, 1, 1, 1, 1]] * 2


@pytest.mark.parametrize(
    "size, expected",
    [
        ((640, 360), (455, 256)),
        ((360, 640), (256, 455)),
        ((100, 100), (256, 256)),
        ((64, 48), (341, 256)),
        ((1000.4, 1000), (256, 256)),
    ],
)
def test_the_shorter_side_is_scaled(size, expected):
    assert FrameView(256, 224).scaled_size(*size) == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"resize": 0},
        {"resize": 64.5},
        {"resize": 64, "crop": 65},
        {"resize": 64, "crop": 0},
        {"resize": 64, "pixel_format": "bgr24"},
        {"resize": 64, "num_consecutive": 0},
    ],
)
def test_settings_of_no_picture_are_refused(settings):
    with pytest.raises(ValueError, match="Expected .*Received: .*="):
        FrameView(**settings)
