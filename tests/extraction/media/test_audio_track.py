"""Times of audio, and damaged audio tracks."""

import os
import re
import warnings

import av
import numpy as np
import pytest

from ac_keras.extraction.media.audio import MAX_SILENCE
from ac_keras.extraction.media.audio import AudioTrack
from ac_keras.extraction.media.audio import AudioWarning
from ac_keras.extraction.media.audio import decode_audio
from ac_keras.extraction.media.audio import read_audio
from support.media.log_mel_reference import tone
from support.media.media_files import write_audio
from support.media.media_files import write_wav


def joined(times, rates=(16000,)):
    """Joins pieces of 0.1 s at the given times; returns samples and track."""
    track = AudioTrack(16000)
    for place, time in enumerate(times):
        rate = rates[place % len(rates)]
        track.append(np.full(rate // 10, 0.5, np.float32), rate, time)
    return track.finish(), track


def onset(audio):
    """Seconds at which it begins to be loud."""
    return np.argmax(np.abs(audio) > 0.1) / 16000


@pytest.mark.parametrize(
    ("times", "lengths"),  # of loud, silent and loud parts
    [
        ([None, None, None], [4800]),
        ([0.003, 0.1, 0.21, 0.299], [6400]),  # rounded
        ([0.0, 0.5], [1600, 6400, 1600]),
        ([5.0, 0.0, 0.1, 0.4], [4800, 3200, 1600]),  # back, then a gap
        ([0.0, MAX_SILENCE + 1, MAX_SILENCE + 1.1], [4800]),
        ([0.0, 1e9, 1e9 + 0.1], [4800]),
    ],
)
def test_pieces_follow_each_other_but_for_gaps(times, lengths):
    audio, _ = joined(times)
    expected = np.repeat([0.5, 0.0, 0.5][: len(lengths)], lengths)
    np.testing.assert_array_equal(audio, expected)
    assert audio.dtype == np.float32


def test_a_track_has_the_length_of_its_pieces():
    assert joined([None] * 3)[1].seconds == pytest.approx(0.3)
    assert joined([])[0] is None


def test_many_gaps_have_no_more_silence_than_one():
    audio, _ = joined([0.0, *(MAX_SILENCE / 2 * x for x in range(1, 9))])
    assert (audio == 0).sum() <= MAX_SILENCE * 16000
    assert (audio == 0.5).sum() == 9 * 1600


def test_a_rate_may_change_in_the_middle():
    audio, _ = joined([0.0, 0.1, 0.2, 0.3], rates=(8000, 16000, 44100))
    assert len(audio) == pytest.approx(6400, abs=3)
    assert np.abs(audio[200:-200] - 0.5).max() < 0.1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_audio_later_than_the_frames_has_silence_before_it(name, tmp_path):
    settings = {"start": 0.8, "video_start": 0.0}
    path = tmp_path / name
    write_audio(path, "aac", tone(0.5, 44100), 44100, **settings)
    audio = decode_audio(path)
    assert onset(audio.samples) == pytest.approx(0.8, abs=0.03)
    assert audio.start == 0


@pytest.mark.parametrize(
    ("times", "start"),
    [({"video_start": 0.6}, -0.6), ({"start": 3.0}, None)],
)
def test_audio_that_begins_first_or_alone_is_not_moved(times, start, tmp_path):
    path, sine = tmp_path / "a.mkv", tone(0.8, 44100)
    audio = decode_audio(write_audio(path, "flac", sine, 44100, **times))
    assert len(audio.samples) == pytest.approx(0.8 * 16000, abs=2)
    assert onset(audio.samples) == pytest.approx(0, abs=0.001)
    assert audio.damage == ""
    if start is not None:
        assert audio.start == pytest.approx(start, abs=0.002)


def test_the_priming_samples_of_aac_are_left_out(tmp_path):
    click = np.zeros(44100)
    click[22050:22060] = 0.9
    path = tmp_path / "a.mp4"
    write_audio(path, "aac", click, 44100, video_start=0.0)
    place = np.abs(decode_audio(path).samples).argmax() / 16000
    assert place == pytest.approx(0.5, abs=0.002)


def test_a_gap_in_a_film_is_silence_in_its_place(tmp_path):
    settings = {"video_start": 0.0, "gap": (22050, 0.7)}
    path = tmp_path / "a.mkv"
    write_audio(path, "flac", tone(1.0, 44100), 44100, **settings)
    audio = decode_audio(path).samples
    assert len(audio) == pytest.approx(1.7 * 16000, abs=10)
    silence = np.flatnonzero(np.abs(audio) == 0)
    inner = silence[(silence > 8800) & (silence < 19000)]
    assert len(inner) > 0.6 * 16000


SECONDS = 2.0


def audio_packets(path):
    """Where a file's packets of audio lie: pairs of offset and size."""
    with av.open(str(path)) as container:
        packets = container.demux(audio=0)
        return [(x.pos, x.size) for x in packets if x.size]


def spoil(path, places):
    data = bytearray(path.read_bytes())
    for offset, size in places:
        data[offset : offset + size] = b"\xff" * size
    path.write_bytes(data)


def loud_seconds(audio):
    """How much of it is a tone, counted in hundredths."""
    parts = audio[: len(audio) // 160 * 160].reshape(-1, 160)
    return np.sum(np.sqrt(np.mean(parts**2, axis=1)) > 0.2) / 100


@pytest.fixture
def path(tmp_path):
    """A film whose tables come first."""
    settings = {"video_start": 0, "muxer": {"movflags": "faststart"}}
    sine = tone(SECONDS, 44100)
    return write_audio(tmp_path / "a.mp4", "aac", sine, 44100, **settings)


def test_a_whole_track_has_no_damage(path):
    assert decode_audio(path).damage == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_audio(path)) >= SECONDS * 16000


def test_a_track_cut_off_gives_its_beginning_and_a_warning(path):
    packets = audio_packets(path)
    os.truncate(path, packets[len(packets) // 2][0] + 20)
    with pytest.warns(AudioWarning, match="a.mp4 is damaged: .* of 2.00 s"):
        audio = read_audio(path)
    assert loud_seconds(audio) == pytest.approx(SECONDS / 2, abs=0.1)


def test_a_hole_in_the_middle_is_silence_of_its_length(path):
    packets = audio_packets(path)
    hole = packets[20:50]  # of 1024 samples each
    spoil(path, hole)
    audio = decode_audio(path)
    assert audio.damage == f"30 of {len(packets)} packets do not decode"
    missing = 30 * 1024 / 44100
    assert len(audio.samples) == pytest.approx(SECONDS * 16000, abs=500)
    loud = loud_seconds(audio.samples)
    assert loud == pytest.approx(SECONDS - missing, abs=0.1)
    silent = audio.samples[round(16000 * 0.6) : round(16000 * 1.0)]
    assert np.abs(silent).max() == 0


def break_all_packets(path):
    spoil(path, audio_packets(path))


def exchange_codec(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b"mp4a", b"qqqq").replace(b"esds", b"qqqq"))


def set_rate_of_1_hz(path):
    data = write_wav(path, np.ones(20000) / 2, 8000).read_bytes()
    path.write_bytes(data[:24] + (1).to_bytes(4, "little") + data[28:])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_all_packets, ".*packets do not decode.*"),
        (exchange_codec, "FFmpeg has no decoder for it"),
        (set_rate_of_1_hz, ".*impossible rate.*"),  # or it would last hours
    ],
)
def test_a_track_that_cannot_be_decoded_is_none_with_damage(damage, said, path):
    damage(path)
    audio = decode_audio(path)
    assert audio.samples is None
    assert re.fullmatch(said, audio.damage)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mka"])
def test_half_a_file_gives_half_the_audio(name, tmp_path):
    codec = {"a.wav": "pcm_s16le"}.get(name, "flac")
    noise = np.random.default_rng(0).uniform(-1, 1, 32000)
    path = write_audio(tmp_path / name, codec, noise, 16000)
    os.truncate(path, path.stat().st_size // 2)
    audio = decode_audio(path)
    assert audio.damage
    length = len(audio.samples)
    assert 0.3 * 32000 < length <= 0.5 * 32000
    np.testing.assert_allclose(audio.samples, noise[:length], atol=1e-4)


def test_a_broken_mp3_gives_what_decodes(tmp_path):
    sine = tone(SECONDS, 44100)
    path = write_audio(tmp_path / "a.mp3", "mp3", sine, 44100)
    size = path.stat().st_size
    spoil(path, [(size // 2, size // 8)])
    audio = decode_audio(path)
    assert audio.damage
    assert 0.6 * SECONDS < loud_seconds(audio.samples) < SECONDS


def test_samples_that_are_no_numbers_are_silent(tmp_path):
    samples = tone(1.0, 44100).astype(np.float32)
    samples[1000:1010] = np.nan
    samples[2000] = np.inf
    path = tmp_path / "a.wav"
    audio = decode_audio(write_audio(path, "pcm_f32le", samples, 44100))
    assert audio.damage == "11 samples are not finite"
    assert np.isfinite(audio.samples).all()
    assert loud_seconds(audio.samples) > 0.95


def test_floats_beyond_full_scale_are_clipped(tmp_path):
    samples = tone(0.1, 16000, amplitude=3.0)
    path = write_audio(tmp_path / "a.wav", "pcm_f32le", samples, 16000)
    expected = samples.astype(np.float32).clip(-1, 1)
    np.testing.assert_array_equal(read_audio(path), expected)
