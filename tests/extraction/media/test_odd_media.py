"""Odd, truncated and unreadable media files."""

import numpy as np
import pytest

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from support.media.log_mel_reference import tone
from support.media.media_files import is_upright
from support.media.media_files import read_numbers
from support.media.media_files import write_audio
from support.media.media_files import write_video
from support.media.odd_files import CUT
from support.media.odd_files import READABLE
from support.media.odd_files import UNREADABLE

VIEWS = {
    "whole": FrameView(40),
    "middle": FrameView(40, 32),
    "gray": FrameView(40, 32, "gray", num_consecutive=2),
}
ALL_FRAMES = EqualIntervals(1000)


@pytest.mark.parametrize("name", READABLE)
def test_an_odd_file_gives_each_frame_upright_at_its_time(name, tmp_path):
    kind = READABLE[name]
    path = tmp_path / name
    kind.write(path)
    numbers, (width, height) = list(kind.numbers), kind.size
    probed = probe(path)
    assert (probed.width, probed.height) == kind.size and probed.has_video
    assert probed.has_audio == name.startswith("mono")
    assert probed.num_frames == len(numbers)
    expected = len(numbers) / probed.duration
    assert probed.frames_per_second == pytest.approx(expected)
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


@pytest.mark.parametrize("name", CUT)
def test_a_cut_file_gives_its_first_frames_and_says_so(name, tmp_path):
    CUT[name](tmp_path / name)
    found = read_frames(tmp_path / name, ALL_FRAMES, VIEWS)
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
    write, said = UNREADABLE[name]
    write(tmp_path / name)
    with pytest.raises(MediaError, match="Expected .*Received: ") as error:
        read_frames(tmp_path / name, ALL_FRAMES, VIEWS)
    assert f"path={str(tmp_path / name)!r}" in str(error.value)
    assert said in str(error.value)


def test_a_colon_in_a_name_makes_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "cache:clip.mp4")
    assert probe("cache:clip.mp4").num_frames == 10
    with pytest.raises(MediaError, match="http://.*clip.mp4.*does not exist"):
        read_frames("http://127.0.0.1:9/clip.mp4", ALL_FRAMES, VIEWS)


def test_a_probe_of_audio_tells_its_length(tmp_path):
    found = probe(write_audio(tmp_path / "a.mp4", "aac", tone(2.0, 8000), 8000))
    assert found.has_audio and not found.has_video
    assert found.duration == pytest.approx(2.0, abs=0.2)
    assert (found.num_frames, found.width, found.height) == (0, 0, 0)
