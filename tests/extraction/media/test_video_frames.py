"""read_frames and probe: views of chosen frames, and damaged files."""

import gc
import os
import sys
import types
import weakref

import numpy as np
import pytest

pytest.importorskip("av")

import av

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_view import FrameStack
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import DecodedFrames
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from support.media.media_files import encode_image
from support.media.media_files import read_numbers
from support.media.media_files import write_video

SMALL = {"rgb": FrameView(24)}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Thirty frames and audio."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, range(30), audio="aac")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "long.avi"
    return write_video(path, range(3000), size=(16, 16), codec="mpeg4")


@pytest.fixture
def num_live_frames(monkeypatch):
    """Counts of frames alive each time that one is decoded."""
    live, counts = weakref.WeakSet(), []

    class Mark:
        """PyAV's frames take no weak references, but hold an object."""

    def decode_marked(self, decode=DecodedFrames.__iter__):
        for frame in decode(self):
            frame.opaque = Mark()
            live.add(frame.opaque)
            counts.append(len(live))
            yield frame
            del frame

    monkeypatch.setattr(DecodedFrames, "__iter__", decode_marked)
    return counts


def test_no_more_than_a_few_frames_are_held(long_clip, num_live_frames):
    found = read_frames(long_clip, EqualIntervals(25), SMALL)
    assert len(num_live_frames) > 2900
    assert max(num_live_frames) <= 3
    assert found.arrays["rgb"].nbytes == 25 * 24 * 24 * 3
    expected = [(60 + 120 * x) % 32 for x in range(25)]
    assert read_numbers(found.arrays["rgb"][:, 0]) == expected


def test_no_frame_waits_for_the_garbage_to_be_collected(clip):
    gc.collect()
    gc.disable()
    try:
        read_frames(clip, EqualIntervals(9), {**SMALL, "more": FrameView(32)})
        alive = [x for x in gc.get_objects() if isinstance(x, av.VideoFrame)]
    finally:
        gc.enable()
    assert max([x.width for x in alive], default=0) <= 2


def test_decoding_ends_with_the_last_chosen_frame(long_clip, num_live_frames):
    found = read_frames(long_clip, FrameRate(1, max_num_frames=4), SMALL)
    assert found.times.tolist() == [0, 1, 2, 3]
    assert len(num_live_frames) == 31


def test_a_file_is_decoded_by_one_thread(clip, monkeypatch):
    counts = []

    def add(self, *arguments, add=FrameStack.add):
        counts.append(len(os.listdir("/proc/self/task")))
        return add(self, *arguments)

    before = len(os.listdir("/proc/self/task"))
    monkeypatch.setattr(FrameStack, "add", add)
    read_frames(clip, EqualIntervals(40), SMALL)
    assert counts == [before] * 30


def test_broken_files_are_closed_and_nothing_is_printed(clip, tmp_path, capfd):
    data = clip.read_bytes()
    hole, cut = tmp_path / "hole.mp4", tmp_path / "cut.mp4"
    hole.write_bytes(data[:900] + bytes(900) + data[1800:])
    cut.write_bytes(data[:3000])
    level, before = av.logging.get_level(), os.listdir("/proc/self/fd")
    for _ in range(3):
        read_frames(clip, EqualIntervals(3), SMALL)
        probe(clip)
        assert read_frames(hole, EqualIntervals(3), SMALL).problems
        with pytest.raises(MediaError):
            read_frames(cut, EqualIntervals(3), SMALL)
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert capfd.readouterr() == ("", "")
    assert av.logging.get_level() == level


@pytest.mark.parametrize("positions", [[], [5, 4], [30], [-1], [0.5], [[1]]])
def test_a_choice_that_is_not_of_the_clip_is_rejected(clip, positions):
    choice = types.SimpleNamespace(positions=lambda times: positions)
    with pytest.raises(ValueError, match="ascending positions .* 30 frames"):
        read_frames(clip, choice, SMALL)


def test_no_view_is_rejected(clip):
    with pytest.raises(ValueError, match="Received: views={}"):
        read_frames(clip, EqualIntervals(3), {})


def test_choices_are_asked_once_for_a_whole_file(clip):
    asked = []
    choice = types.SimpleNamespace(positions=lambda x: asked.append(x) or [0])
    read_frames(clip, choice, SMALL)
    assert len(asked) == 1
    np.testing.assert_allclose(asked[0], np.arange(30) / 10)


def test_a_missing_package_is_named(clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"Install ac-keras\[media\]"):
        read_frames(clip, EqualIntervals(3), SMALL)


def test_a_hole_in_the_middle_is_left_out_and_told(tmp_path):
    path = tmp_path / "hole.mp4"
    options = {"g": "12", "bf": "0"}
    write_video(path, range(60), size=(128, 96), options=options)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 300] = bytes(300)
    path.write_bytes(data)
    found = read_frames(path, EqualIntervals(100), SMALL)
    count = len(found.times)
    assert 40 < count < 60
    assert found.problems == (f"{count} of 60 frames decode",)
    numbers = [round(x * 10) % 32 for x in found.times]
    assert read_numbers(found.arrays["rgb"][:, 0]) == numbers


def test_a_file_cut_between_two_frames_says_so(tmp_path):
    path = tmp_path / "cut.mp4"
    options, muxer = {"bf": "0"}, {"movflags": "faststart"}
    write_video(path, range(30), options=options, muxer=muxer)
    with av.open(str(path)) as container:
        packet = list(container.demux(video=0))[11]
        end = packet.pos + packet.size
    path.write_bytes(path.read_bytes()[:end])
    found = read_frames(path, EqualIntervals(40), SMALL)
    assert found.problems == ("12 of 30 frames decode",)
    assert read_numbers(found.arrays["rgb"][:, 0]) == list(range(12))


def test_frames_that_change_between_passes_are_told(clip, monkeypatch):
    ticks = iter(range(10**6))

    def decode(self, decode=DecodedFrames.__iter__):
        for frame in decode(self):
            frame.pts = self.ticks[-1] = next(ticks)
            yield frame

    monkeypatch.setattr(DecodedFrames, "__iter__", decode)
    with pytest.raises(MediaError, match="does not change .*clip.mp4"):
        read_frames(clip, EqualIntervals(3), SMALL)


@pytest.mark.parametrize(
    ("length", "positions", "num_frames", "rows"),
    [
        (3, [0, 4], 10, [[0, 1, 2], [4, 5, 6]]),
        (4, [5, 8, 9], 10, [[5, 6, 7, 8], [6, 7, 8, 9], [6, 7, 8, 9]]),
        (5, [0, 1], 2, [[0, 1, 1, 1, 1]] * 2),  # repeats the last
    ],
)
def test_consecutive_frames_are_of_the_clip(
    length, positions, num_frames, rows
):
    view = FrameView(32, num_consecutive=length)
    assert view.rows(np.array(positions), num_frames).tolist() == rows


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


def read_image(folder, pixels, view):
    """Reads the view of an image, as float64."""
    (folder / "image.png").write_bytes(encode_image(pixels, "png"))
    found = read_frames(folder / "image.png", FrameRate(1), {"rgb": view})
    return found.arrays["rgb"][0, 0].astype(float)


@pytest.mark.parametrize("size", [(320, 240), (40, 30)])
def test_scaling_keeps_slopes_of_color_where_they_are(tmp_path, size):
    slope = np.zeros((size[1], size[0], 3), np.uint8)
    slope[..., 0] = np.linspace(0, 255, size[0])
    slope[..., 1].T[:] = np.linspace(0, 255, size[1])
    frame = read_image(tmp_path, slope, FrameView(60))
    assert frame.shape == (60, 80, 3)
    x, y = ((np.arange(n) + 0.5) / n for n in (80, 60))
    red = (x * size[0] - 0.5) / (size[0] - 1) * 255
    green = (y * size[1] - 0.5) / (size[1] - 1) * 255
    assert np.abs(frame[..., 0] - red.clip(0, 255)).max() < 2.5
    assert np.abs(frame[..., 1].T - green.clip(0, 255)).max() < 2.5


def test_shrinking_averages(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    frame = read_image(tmp_path, noise, FrameView(16))
    means = noise.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3))
    # One pixel of 256 has a deviation of 74; a mean of 256, of 4.6.
    assert np.abs(frame - 127.5).mean() < 10
    assert np.corrcoef(frame.ravel(), means.ravel())[0, 1] > 0.7


def test_a_crop_is_the_middle_and_gray_is_what_rgb_weighs(clip):
    views = {
        "rgb": FrameView(48),
        "crop": FrameView(48, 21),
        "gray": FrameView(48, None, "gray"),
    }
    arrays = read_frames(clip, EqualIntervals(5), views).arrays
    left, top = (arrays["rgb"].shape[3] - 21) // 2, (48 - 21) // 2
    np.testing.assert_array_equal(
        arrays["crop"], arrays["rgb"][:, :, top : top + 21, left : left + 21]
    )
    weighed = arrays["rgb"] @ np.array([0.299, 0.587, 0.114])
    assert arrays["gray"].shape == (5, 1, 48, 64)
    assert np.abs(weighed - arrays["gray"]).mean() < 2
    assert np.ptp(arrays["gray"]) > 100
    again = read_frames(clip, EqualIntervals(5), views).arrays
    for name in views:
        np.testing.assert_array_equal(again[name], arrays[name])


def test_views_share_the_chosen_frames(clip):
    views = {**SMALL, "flow": FrameView(24, 20, "gray", num_consecutive=4)}
    found = read_frames(clip, EqualIntervals(6), views)
    chosen = [2, 7, 12, 17, 22, 27]
    np.testing.assert_allclose(found.times, np.array(chosen) / 10)
    assert read_numbers(found.arrays["rgb"][:, 0]) == chosen
    starts = [2, 7, 12, 17, 22, 26]
    for start, stack in zip(starts, found.arrays["flow"], strict=True):
        assert read_numbers(stack) == [start + x for x in range(4)]
