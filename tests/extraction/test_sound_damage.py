"""Sound tracks of which a part is broken."""

import warnings

import av
import numpy as np
import pytest

from ac_keras.extraction.media.audio import SoundWarning
from ac_keras.extraction.media.audio import decode_sound
from ac_keras.extraction.media.audio import read_sound
from support.media import made_sounds
from support.media.pure_tones import tone

SECONDS = 2.0


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The bytes of an mp4 whose tables come first."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sine = tone(SECONDS, 44100)
    made_sounds.write_media(path, "aac", sine, 44100, picture_start=0)
    whole = path.with_name("tables_first.mp4")
    with av.open(str(path)) as source:
        options = {"movflags": "faststart"}
        with av.open(str(whole), "w", options=options) as copy:
            streams = {
                x: copy.add_stream_from_template(x) for x in source.streams
            }
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream]
                    copy.mux(packet)
    return whole.read_bytes()


def sound_packets(path):
    """Where a file's packets of sound lie: pairs of offset and size."""
    with av.open(str(path)) as container:
        packets = container.demux(audio=0)
        return [(x.pos, x.size) for x in packets if x.size]


def spoil(path, places):
    data = bytearray(path.read_bytes())
    for offset, size in places:
        data[offset : offset + size] = b"\xff" * size
    path.write_bytes(data)


def loud_seconds(sound):
    """How much of it is a tone, counted in hundredths."""
    parts = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    return np.sum(np.sqrt(np.mean(parts**2, axis=1)) > 0.2) / 100


def test_a_whole_track_has_no_damage(film, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(film)
    assert decode_sound(path).damage == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_sound(path)) >= SECONDS * 16000


def test_a_track_cut_off_gives_its_beginning_and_a_warning(film, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(film)
    packets = sound_packets(path)
    path.write_bytes(film[: packets[len(packets) // 2][0] + 20])
    with pytest.warns(SoundWarning, match="a.mp4 is damaged: .* of 2.00 s"):
        sound = read_sound(path)
    assert loud_seconds(sound) == pytest.approx(SECONDS / 2, abs=0.1)


def test_a_hole_in_the_middle_is_silence_of_its_length(film, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(film)
    packets = sound_packets(path)
    hole = packets[20:50]  # of 1024 samples each
    spoil(path, hole)
    sound = decode_sound(path)
    assert sound.damage == f"30 of {len(packets)} packets do not decode"
    missing = 30 * 1024 / 44100
    assert len(sound.samples) == pytest.approx(SECONDS * 16000, abs=500)
    loud = loud_seconds(sound.samples)
    assert loud == pytest.approx(SECONDS - missing, abs=0.1)
    silent = sound.samples[round(16000 * 0.6) : round(16000 * 1.0)]
    assert np.abs(silent).max() == 0


def test_a_track_of_broken_packets_is_none_with_damage(film, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(film)
    spoil(path, sound_packets(path))
    sound = decode_sound(path)
    assert sound.samples is None
    assert "packets do not decode" in sound.damage


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mka"])
def test_half_a_file_gives_half_the_sound(name, tmp_path):
    codec = {"a.wav": "pcm_s16le"}.get(name, "flac")
    noise = np.random.default_rng(0).uniform(-1, 1, 32000)
    path = made_sounds.write_media(tmp_path / name, codec, noise, 16000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sound = decode_sound(path)
    assert sound.damage
    length = len(sound.samples)
    assert 0.3 * 32000 < length <= 0.5 * 32000
    np.testing.assert_allclose(sound.samples, noise[:length], atol=1e-4)


def test_a_broken_mp3_gives_what_decodes(tmp_path):
    sine = tone(SECONDS, 44100)
    path = made_sounds.write_media(tmp_path / "a.mp3", "mp3", sine, 44100)
    size = path.stat().st_size
    spoil(path, [(size // 2, size // 8)])
    sound = decode_sound(path)
    assert sound.damage
    assert 0.6 * SECONDS < loud_seconds(sound.samples) < SECONDS


def test_a_codec_that_nobody_knows_is_none_with_damage(film, tmp_path):
    path = tmp_path / "a.mp4"
    strange = film.replace(b"mp4a", b"qqqq").replace(b"esds", b"qqqq")
    path.write_bytes(strange)
    sound = decode_sound(path)
    assert sound.samples is None
    assert sound.damage == "FFmpeg has no decoder for it"


def test_an_impossible_rate_is_not_made_into_hours(tmp_path):
    path = made_sounds.write_wav(tmp_path / "a.wav", np.ones(20000) / 2, 8000)
    data = path.read_bytes()
    path.write_bytes(data[:24] + (1).to_bytes(4, "little") + data[28:])
    sound = decode_sound(path)
    assert sound.samples is None
    assert "impossible rate" in sound.damage


def test_samples_that_are_no_numbers_are_silent(tmp_path):
    samples = tone(1.0, 44100).astype(np.float32)
    samples[1000:1010] = np.nan
    samples[2000] = np.inf
    path = tmp_path / "a.wav"
    made_sounds.write_media(path, "pcm_f32le", samples, 44100)
    sound = decode_sound(path)
    assert sound.damage == "11 samples are not finite"
    assert np.isfinite(sound.samples).all()
    assert loud_seconds(sound.samples) > 0.95


def test_floats_beyond_full_scale_are_clipped(tmp_path):
    path = tmp_path / "a.wav"
    samples = tone(0.1, 16000, amplitude=3.0)
    made_sounds.write_media(path, "pcm_f32le", samples, 16000)
    expected = samples.astype(np.float32).clip(-1, 1)
    np.testing.assert_array_equal(read_sound(path), expected)
