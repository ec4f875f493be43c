"""Damaged files give the frames that are whole, and say so."""

import pytest

pytest.importorskip("av")

import av

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import DecodedFrames
from ac_keras.extraction.media.video import read_frames
from support.media.drawn_frames import read_numbers
from support.media.odd_media import tone
from support.media.odd_media import write_video

SMALL = {"rgb": FrameView(24)}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Thirty frames and a sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, range(30), sound=tone(3.0))


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
    with pytest.raises(MediaError, match="stays as it is .*clip.mp4"):
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
