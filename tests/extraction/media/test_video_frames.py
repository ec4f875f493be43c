"""read_frames and probe: chosen frames, and damaged files."""

import gc
import os
import sys
import weakref

import numpy as np
import pytest

pytest.importorskip("av")

import av

from ac_keras.extraction.media import video
from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_view import FrameStack
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import DecodedFrames
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from support.media.drawn_frames import read_numbers
from support.media.odd_media import tone
from support.media.odd_media import write_video

SMALL = {"rgb": FrameView(24)}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Thirty frames and audio."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, range(30), audio=tone(3.0))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "long.avi"
    numbers = range(3000)
    return write_video(path, numbers, size=(16, 16), codec="mpeg4")


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


def test_files_are_closed(clip, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:3000])
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        read_frames(clip, EqualIntervals(3), SMALL)
        probe(clip)
        with pytest.raises(MediaError):
            read_frames(broken, EqualIntervals(3), SMALL)
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize("positions", [[], [5, 4], [30], [-1], [0.5], [[1]]])
def test_a_choice_that_is_not_of_the_clip_is_rejected(
    clip, monkeypatch, positions
):
    monkeypatch.setattr(
        EqualIntervals, "positions", lambda self, times: positions
    )
    with pytest.raises(ValueError, match="ascending positions .* 30 frames"):
        read_frames(clip, EqualIntervals(3), SMALL)


def test_no_view_is_rejected(clip):
    with pytest.raises(ValueError, match="Received: views={}"):
        read_frames(clip, EqualIntervals(3), {})


def test_choices_are_asked_once_for_a_whole_file(clip, monkeypatch):
    asked = []

    def choose(choice, times, choose=video._choose):
        asked.append(times)
        return choose(choice, times)

    monkeypatch.setattr(video, "_choose", choose)
    read_frames(clip, EqualIntervals(3), SMALL)
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


def test_nothing_is_printed_about_broken_files(clip, tmp_path, capfd):
    level = av.logging.get_level()
    data = clip.read_bytes()
    hole, cut = tmp_path / "hole.mp4", tmp_path / "cut.mp4"
    hole.write_bytes(data[:900] + bytes(900) + data[1800:])
    cut.write_bytes(data[:3000])
    assert read_frames(hole, EqualIntervals(3), SMALL).problems
    with pytest.raises(MediaError):
        read_frames(cut, EqualIntervals(3), SMALL)
    assert capfd.readouterr() == ("", "")
    assert av.logging.get_level() == level
