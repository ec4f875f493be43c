"""Files of every odd kind are read rightly, or refused by name."""

import numpy as np
import pytest

pytest.importorskip("av")

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from support.media.drawn_frames import is_upright
from support.media.drawn_frames import read_numbers
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
    assert found.has_sound == name.startswith("mono")
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
def test_an_unreadable_file_is_refused_by_name(name, tmp_path):
    path = UNREADABLE[name](tmp_path / name)
    with pytest.raises(MediaError, match="Expected .*Received: ") as error:
        read_frames(path, ALL_FRAMES, VIEWS)
    assert f"path={str(path)!r}" in str(error.value)
