"""Size, pixels and rotation of the frames that are read."""

import numpy as np
import pytest

pytest.importorskip("av")

import av

from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import read_frames
from support.media.drawn_frames import read_numbers
from support.media.odd_media import tone
from support.media.odd_media import write_video


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
def test_settings_of_no_frame_are_rejected(settings):
    with pytest.raises(ValueError, match="Expected .*Received: .*="):
        FrameView(**settings)


SMALL = {"rgb": FrameView(24)}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Thirty frames and audio."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, range(30), audio=tone(3.0))


def slope_video(path, size):
    """A frame whose red grows to the right and whose green downwards."""
    width, height = size
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 255, width)[None]
    frame[..., 1] = np.linspace(0, 255, height)[:, None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(frame, "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("size", [(320, 240), (40, 30)])
def test_scaling_keeps_slopes_of_color_where_they_are(tmp_path, size):
    path = slope_video(tmp_path / "slope.mov", size)
    found = read_frames(path, FrameRate(1), {"rgb": FrameView(60)})
    frame = found.arrays["rgb"][0, 0].astype(float)
    assert frame.shape == (60, 80, 3)
    red = ((np.arange(80) + 0.5) / 80 * size[0] - 0.5) / (size[0] - 1) * 255
    green = ((np.arange(60) + 0.5) / 60 * size[1] - 0.5) / (size[1] - 1) * 255
    np.testing.assert_allclose(
        frame[..., 0], np.broadcast_to(red.clip(0, 255), (60, 80)), atol=2.5
    )
    np.testing.assert_allclose(
        frame[..., 1].T,
        np.broadcast_to(green.clip(0, 255), (80, 60)),
        atol=2.5,
    )


def test_shrinking_averages(tmp_path):
    path = tmp_path / "noise.mov"
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "rgb24"
        frame = av.VideoFrame.from_ndarray(noise, "rgb24")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    found = read_frames(path, FrameRate(1), {"rgb": FrameView(16)})
    frame = found.arrays["rgb"][0, 0].astype(float)
    means = noise.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3))
    # One pixel of 256 has a deviation of 74; a mean of 256, of 4.6.
    assert np.abs(frame - 127.5).mean() < 10
    assert np.corrcoef(frame.ravel(), means.ravel())[0, 1] > 0.7


def test_the_crop_is_the_middle(clip):
    views = {"all": FrameView(40), "crop": FrameView(40, 21)}
    arrays = read_frames(clip, EqualIntervals(5), views).arrays
    left, top = (arrays["all"].shape[3] - 21) // 2, (40 - 21) // 2
    np.testing.assert_array_equal(
        arrays["crop"], arrays["all"][:, :, top : top + 21, left : left + 21]
    )


def test_gray_is_what_rgb_weighs(clip):
    views = {"rgb": FrameView(48), "gray": FrameView(48, None, "gray")}
    arrays = read_frames(clip, EqualIntervals(5), views).arrays
    weighed = arrays["rgb"] @ np.array([0.299, 0.587, 0.114])
    assert arrays["gray"].shape == (5, 1, 48, 64)
    assert np.abs(weighed - arrays["gray"]).mean() < 2
    assert np.ptp(arrays["gray"]) > 100


def test_views_share_the_chosen_frames(clip):
    views = {**SMALL, "flow": FrameView(24, 20, "gray", num_consecutive=4)}
    found = read_frames(clip, EqualIntervals(6), views)
    chosen = [2, 7, 12, 17, 22, 27]
    np.testing.assert_allclose(found.times, np.array(chosen) / 10)
    assert read_numbers(found.arrays["rgb"][:, 0]) == chosen
    starts = [2, 7, 12, 17, 22, 26]
    for start, stack in zip(starts, found.arrays["flow"], strict=True):
        assert read_numbers(stack) == [start + x for x in range(4)]


def test_a_second_reading_gives_the_same_bytes(clip):
    first, second = (
        read_frames(clip, EqualIntervals(7), SMALL) for _ in range(2)
    )
    assert first.arrays["rgb"].tobytes() == second.arrays["rgb"].tobytes()
