"""Odd, truncated and unreadable media files."""

import os
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av")

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from support.media.odd_files import CUT
from support.media.odd_files import READABLE
from support.media.odd_files import UNREADABLE
from support.media.odd_files import write_all
from support.media.odd_media import is_upright
from support.media.odd_media import read_numbers
from support.media.odd_media import write_audio
from support.media.odd_media import write_video

VIEWS = {
    "whole": FrameView(40),
    "middle": FrameView(40, 32),
    "gray": FrameView(40, 32, "gray", num_consecutive=2),
}
ALL_FRAMES = EqualIntervals(1000)


@pytest.mark.parametrize("name", READABLE)
def test_an_odd_file_gives_each_frame_upright_at_its_time(name, tmp_path):
    kind = READABLE[name]
    path = kind.write(tmp_path / name)
    numbers, (width, height) = list(kind.numbers), kind.size
    times = kind.times
    times = [x / 10 for x in range(len(numbers))] if times is None else times
    found = read_frames(path, ALL_FRAMES, VIEWS)
    np.testing.assert_allclose(found.times, times, atol=1e-6)
    assert found.problems == ()
    for view in ("whole", "middle"):
        assert read_numbers(found.arrays[view][:, 0]) == numbers
        assert all(map(is_upright, found.arrays[view][:, 0]))
    assert found.arrays["middle"].shape == (len(numbers), 1, 32, 32, 3)
    longer = int(40 * max(width, height) / min(width, height) + 0.5)
    assert found.arrays["whole"].shape[2:4] == (
        (40, longer) if width > height else (longer, 40)
    )
    assert read_numbers(found.arrays["gray"][:, 0])[:-1] == numbers[:-1]
    assert read_numbers(found.arrays["gray"][:, 1])[:-1] == numbers[1:]


@pytest.mark.parametrize("name", READABLE)
def test_a_probe_tells_what_an_odd_file_holds(name, tmp_path):
    kind = READABLE[name]
    found = probe(kind.write(tmp_path / name))
    assert (found.width, found.height) == kind.size
    assert found.has_video
    assert found.has_audio == name.startswith("mono")
    assert found.num_frames == len(list(kind.numbers))
    expected = found.num_frames / found.duration
    assert found.frames_per_second == pytest.approx(expected)


@pytest.mark.parametrize("name", CUT)
def test_a_cut_file_gives_its_first_frames_and_says_so(name, tmp_path):
    path = CUT[name](tmp_path / name)
    found = read_frames(path, ALL_FRAMES, VIEWS)
    count = len(found.times)
    assert 20 < count < 50
    numbers = read_numbers(found.arrays["whole"][:, 0])
    assert numbers == [x % 32 for x in range(count)]
    (problem,) = found.problems
    assert problem in (
        f"{count} of 60 frames decode",
        f"the file ends after {count / 10:.1f} of 6.0 seconds",
    )


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_rejected_by_name(name, tmp_path):
    path = UNREADABLE[name](tmp_path / name)
    with pytest.raises(MediaError, match="Expected .*Received: ") as error:
        read_frames(path, ALL_FRAMES, VIEWS)
    assert f"path={str(path)!r}" in str(error.value)


def refuse(path):
    """The message with which a path is refused."""
    with pytest.raises(MediaError) as error:
        read_frames(path, EqualIntervals(3), {"rgb": FrameView(24)})
    assert str(path) in str(error.value)
    return str(error.value)


def test_a_missing_file_is_rejected(tmp_path):
    assert "does not exist" in refuse(tmp_path / "missing.mp4")


def test_a_folder_is_rejected(tmp_path):
    assert "is not a file" in refuse(tmp_path)


def test_an_empty_file_is_rejected(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "0 bytes" in refuse(tmp_path / "empty.mp4")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "is not a file" in refuse(tmp_path / "pipe.mp4")


def test_an_address_is_not_asked(tmp_path):
    assert "does not exist" in refuse("http://127.0.0.1:9/clip.mp4")


def test_a_colon_in_a_name_makes_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "cache:clip.mp4")
    assert probe("cache:clip.mp4").num_frames == 10


def test_a_list_of_other_files_is_rejected(tmp_path):
    write_video(tmp_path / "clip.mp4")
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile clip.mp4\n")
    assert "a playlist" in refuse(path)


def test_a_audio_is_rejected_with_the_tracks_it_has(tmp_path):
    path = write_audio(tmp_path / "sound.mp4")
    assert "audio (aac)" in refuse(path)


def test_a_wrong_pixel_aspect_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "wide.mp4"
    write_video(path, sample_aspect=Fraction(40, 1))
    assert "2560x48" in refuse(path)


def test_a_probe_of_a_audio_tells_its_length(tmp_path):
    found = probe(write_audio(tmp_path / "sound.mp4", seconds=2.0))
    assert found.has_audio and not found.has_video
    assert found.duration == pytest.approx(2.0, abs=0.2)
    assert (found.num_frames, found.width, found.height) == (0, 0, 0)


def test_the_folder_of_odd_files_has_one_of_each(tmp_path):
    write_all(tmp_path / "odd")
    names = {path.name for path in (tmp_path / "odd").iterdir()}
    assert names > READABLE.keys() and len(names) >= 40
