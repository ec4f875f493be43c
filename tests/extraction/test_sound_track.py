"""Where sound lies in time."""

import numpy as np
import pytest

from ac_keras.extraction.media.audio import MOST_SILENCE
from ac_keras.extraction.media.audio import SoundTrack
from ac_keras.extraction.media.audio import decode_sound
from support.media import made_sounds
from support.media.pure_tones import tone


def joined(times, start=None, rates=(16000,)):
    """What a track makes of equal pieces that are shown at some times."""
    track = SoundTrack(16000, start)
    for place, time in enumerate(times):
        rate = rates[place % len(rates)]
        track.append(np.full(rate // 10, 0.5, np.float32), rate, time)
    return track.finish(), track


def onset(sound):
    """Seconds at which it begins to be loud."""
    return np.argmax(np.abs(sound) > 0.1) / 16000


def test_pieces_without_times_follow_each_other():
    sound, track = joined([None, None, None])
    np.testing.assert_array_equal(sound, np.full(4800, 0.5, np.float32))
    assert track.seconds == pytest.approx(0.3)


def test_rounded_times_leave_no_gaps():
    sound, _ = joined([0.003, 0.1, 0.21, 0.299])
    np.testing.assert_array_equal(sound, np.full(6400, 0.5, np.float32))


def test_a_gap_is_silence():
    sound, _ = joined([0.0, 0.5])
    assert len(sound) == 9600
    assert (sound == 0).sum() == 6400
    assert (sound[:1600] == 0.5).all() and (sound[-1600:] == 0.5).all()


def test_times_that_go_back_are_not_believed():
    sound, _ = joined([5.0, 0.0, 0.1, 0.4])
    assert len(sound) == 4 * 1600 + 3200  # the last gap is one


@pytest.mark.parametrize("leap", [MOST_SILENCE + 1, 1e9])
def test_a_leap_of_the_clock_does_not_fill_the_memory(leap):
    sound, _ = joined([0.0, leap, leap + 0.1])
    np.testing.assert_array_equal(sound, np.full(4800, 0.5, np.float32))


def test_many_gaps_have_no_more_silence_than_one():
    sound, _ = joined([0.0, *(MOST_SILENCE / 2 * x for x in range(1, 9))])
    assert (sound == 0).sum() <= MOST_SILENCE * 16000
    assert (sound == 0.5).sum() == 9 * 1600


def test_a_rate_may_change_in_the_middle():
    sound, _ = joined([0.0, 0.1, 0.2, 0.3], rates=(8000, 16000, 44100))
    assert len(sound) == pytest.approx(6400, abs=3)
    assert np.abs(sound[200:-200] - 0.5).max() < 0.1


def test_nothing_is_none():
    assert SoundTrack(16000).finish() is None
    sound, _ = joined([])
    assert sound is None


def test_a_sound_later_than_the_pictures_has_silence_before_it(tmp_path):
    sine = tone(0.5, 44100)
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = made_sounds.write_media(
            tmp_path / name, "aac", sine, 44100, start=0.8, picture_start=0.0
        )
        sound = decode_sound(path)
        assert onset(sound.samples) == pytest.approx(0.8, abs=0.03)
        assert sound.start == 0


def test_a_sound_earlier_than_the_pictures_is_not_cut(tmp_path):
    sine = tone(0.8, 44100)
    path = made_sounds.write_media(
        tmp_path / "a.mkv", "flac", sine, 44100, picture_start=0.6
    )
    sound = decode_sound(path)
    assert len(sound.samples) == pytest.approx(0.8 * 16000, abs=2)
    assert onset(sound.samples) == pytest.approx(0, abs=0.001)
    assert sound.start == pytest.approx(-0.6, abs=0.002)


def test_sound_alone_begins_at_once(tmp_path):
    sine = tone(0.5, 44100)
    path = tmp_path / "a.mkv"
    made_sounds.write_media(path, "flac", sine, 44100, start=3.0)
    sound = decode_sound(path)
    assert onset(sound.samples) < 0.01
    assert sound.damage == ""


def test_the_priming_samples_of_aac_are_left_out(tmp_path):
    click = np.zeros(44100)
    click[22050:22060] = 0.9
    path = tmp_path / "a.mp4"
    made_sounds.write_media(path, "aac", click, 44100, picture_start=0.0)
    place = np.abs(decode_sound(path).samples).argmax() / 16000
    assert place == pytest.approx(0.5, abs=0.002)


def test_a_gap_in_a_film_is_silence_in_its_place(tmp_path):
    sine = tone(1.0, 44100)
    path = tmp_path / "a.mkv"
    made_sounds.write_media(
        path, "flac", sine, 44100, picture_start=0.0, gap=(22050, 0.7)
    )
    sound = decode_sound(path).samples
    assert len(sound) == pytest.approx(1.7 * 16000, abs=10)
    silence = np.flatnonzero(np.abs(sound) == 0)
    inner = silence[(silence > 8800) & (silence < 19000)]
    assert len(inner) > 0.6 * 16000
