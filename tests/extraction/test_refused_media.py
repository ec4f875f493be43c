"""Paths that are no media files are refused before anything is read."""

import os
from fractions import Fraction

import pytest

pytest.importorskip("av")

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from support.media.odd_files import READABLE
from support.media.odd_files import write_all
from support.media.odd_media import write_sound
from support.media.odd_media import write_video


def refuse(path):
    """The message with which a path is refused."""
    with pytest.raises(MediaError) as error:
        read_frames(path, EqualIntervals(3), {"rgb": FrameView(24)})
    assert str(path) in str(error.value)
    return str(error.value)


def test_a_missing_file_is_refused(tmp_path):
    assert "does not exist" in refuse(tmp_path / "missing.mp4")


def test_a_folder_is_refused(tmp_path):
    assert "is not a file" in refuse(tmp_path)


def test_an_empty_file_is_refused(tmp_path):
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


def test_a_list_of_other_files_is_refused(tmp_path):
    write_video(tmp_path / "clip.mp4")
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile clip.mp4\n")
    assert "a playlist" in refuse(path)


def test_a_sound_is_refused_with_the_tracks_it_has(tmp_path):
    path = write_sound(tmp_path / "sound.mp4")
    assert "audio (aac)" in refuse(path)


def test_a_wrong_pixel_aspect_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "wide.mp4"
    write_video(path, sample_aspect=Fraction(40, 1))
    assert "2560x48" in refuse(path)


def test_a_probe_of_a_sound_tells_its_length(tmp_path):
    found = probe(write_sound(tmp_path / "sound.mp4", seconds=2.0))
    assert found.has_sound and not found.has_video
    assert found.duration == pytest.approx(2.0, abs=0.2)
    assert (found.num_frames, found.width, found.height) == (0, 0, 0)


def test_the_folder_of_odd_files_has_one_of_each(tmp_path):
    write_all(tmp_path / "odd")
    names = {path.name for path in (tmp_path / "odd").iterdir()}
    assert names > READABLE.keys() and len(names) >= 40
