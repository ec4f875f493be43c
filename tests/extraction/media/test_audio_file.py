"""read_audio: formats, rates and channels."""

import os
import sys
import tracemalloc

import numpy as np
import pytest

from ac_keras.extraction.media.audio import read_audio
from ac_keras.extraction.media.container import MediaError
from support.media.log_mel_reference import tone
from support.media.media_files import write_audio
from support.media.media_files import write_video
from support.media.media_files import write_wav

CODECS = {  # file name: codec, sample rate, layout
    "aac.mp4": ("aac", 44100, "stereo"),
    "aac.mov": ("aac", 48000, "5.1"),
    "eight.mp4": ("aac", 48000, "7.1"),
    "aac.mkv": ("aac", 22050, "mono"),
    "adts.aac": ("aac", 44100, "mono"),
    "stream.ts": ("aac", 48000, "stereo"),
    "audio.mp3": ("mp3", 32000, "stereo"),
    "slow.mp3": ("mp3", 8000, "mono"),
    "opus.ogg": ("libopus", 48000, "stereo"),
    "eight.webm": ("libopus", 48000, "7.1"),
    "opus.webm": ("libopus", 16000, "mono"),
    "vorbis.ogg": ("vorbis", 44100, "stereo"),
    "audio.flac": ("flac", 96000, "stereo"),
    "flac.mka": ("flac", 44100, "5.1"),
    "float.wav": ("pcm_f32le", 48000, "stereo"),
    "double.wav": ("pcm_f64le", 8000, "mono"),
    "telephone.wav": ("pcm_mulaw", 8000, "mono"),
    "old.avi": ("pcm_u8", 11025, "mono"),
    "mp3.avi": ("mp3", 44100, "stereo"),
}
# AAC keeps one of many channels for frequencies below 120 Hz.
LOUDNESS = {("aac", "5.1"): 5 / 6, ("aac", "7.1"): 7 / 8}


@pytest.mark.parametrize("name", CODECS)
def test_a_tone_comes_out_of_a_codec(name, tmp_path):
    codec, rate, layout = CODECS[name]
    samples = tone(1.0, rate)
    write_audio(tmp_path / name, codec, samples, rate, layout)
    audio = read_audio(tmp_path / name)
    assert 0.99 * 16000 <= len(audio) <= 1.08 * 16000  # some codecs pad
    spectrum = np.abs(np.fft.rfft(audio[4000:12000])) / 4000
    assert spectrum.argmax() == 440 // 2
    loudness = 0.5 * LOUDNESS.get((codec, layout), 1)
    assert spectrum.max() == pytest.approx(loudness, abs=0.03)
    assert np.sqrt(np.sum(spectrum**2)) == pytest.approx(loudness, abs=0.03)


@pytest.mark.parametrize("num_bytes", [1, 2, 3, 4])
@pytest.mark.parametrize("num_channels", [1, 2, 3, 6])
def test_samples_are_the_mean_over_channels(num_channels, num_bytes, tmp_path):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, (1600, num_channels))
    audio = read_audio(write_wav(tmp_path / "a.wav", samples, 16000, num_bytes))
    assert audio.dtype == np.float32
    step = 2.0 ** (1 - 8 * min(num_bytes, 3))
    step = max(step, 1e-6) if num_channels > 1 else step
    np.testing.assert_allclose(audio, samples.mean(axis=1), rtol=0, atol=step)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 96000])
def test_a_resampled_tone_is_the_tone_at_that_rate(rate, tmp_path):
    samples = tone(0.5, rate)
    path = write_wav(tmp_path / "a.wav", samples, rate, num_bytes=3)
    audio = read_audio(path)
    expected = tone(0.5, 16000)
    assert abs(len(audio) - len(expected)) <= 1
    inner = slice(100, 7900)  # a filter's length from the ends
    np.testing.assert_allclose(audio[inner], expected[inner], atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_no_tail_is_lost(rate, tmp_path):
    samples = np.zeros(rate // 2)
    samples[-(rate // 200) :] = tone(0.005, rate, 1000)
    audio = read_audio(write_wav(tmp_path / "a.wav", samples, rate))
    energy = np.sum(audio[-100:] ** 2)
    expected = np.sum(tone(0.005, 16000, 1000) ** 2)
    assert energy == pytest.approx(expected, rel=0.05)


def test_any_length_gives_its_share_of_samples(tmp_path):
    rng = np.random.default_rng(1)
    for rate in rng.integers(8000, 96000, 30):
        length = int(rng.integers(1, 5000))
        samples = rng.uniform(-1, 1, length)
        audio = read_audio(write_wav(tmp_path / "a.wav", samples, int(rate)))
        assert abs(len(audio) - length * 16000 / rate) <= 1.5
        assert np.abs(audio).max() <= 1


def test_another_rate_can_be_asked_for(tmp_path):
    write_wav(tmp_path / "a.wav", np.ones(16000) / 2, 16000)
    assert len(read_audio(tmp_path / "a.wav", sample_rate=8000)) == 8000


@pytest.mark.parametrize("sample_rate", [0, 999, 16000.5, "16000"])
def test_an_impossible_rate_is_rejected(sample_rate, tmp_path):
    with pytest.raises(ValueError, match="Received: sample_rate="):
        read_audio(tmp_path / "a.wav", sample_rate=sample_rate)


def test_a_file_without_samples_has_no_audio(tmp_path):
    assert read_audio(write_video(tmp_path / "a.mp4")) is None
    path = tmp_path / "a.wav"
    assert read_audio(write_wav(path, np.zeros(0), 16000)) is None
    silence = read_audio(write_wav(path, np.zeros(80), 16000))
    np.testing.assert_array_equal(silence, np.zeros(80))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "path='.*clip.mp4'"),
        (b"some text\n" * 99, "path='.*clip.mp4'"),
        (bytes(5000), "path='.*clip.mp4'"),
    ],
)
def test_what_is_no_media_file_is_an_error(content, said, tmp_path):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=f"Received: .*{said}"):
        read_audio(path)


def test_names_may_hold_any_character(tmp_path):
    name = "http:a b%20\u00e9?.wav"
    path = write_wav(tmp_path / name, np.ones(80) / 2, 16000)
    assert len(read_audio(path)) == 80
    assert len(read_audio(os.fsencode(path))) == 80


def test_tags_may_be_in_any_encoding(tmp_path):
    path = write_wav(tmp_path / "a.wav", np.ones(80) / 2, 16000)
    tag = b"INFOINAM\x04\0\0\0\xe9\xe8\xff\0"
    chunk = b"LIST" + len(tag).to_bytes(4, "little") + tag
    path.write_bytes(path.read_bytes() + chunk)
    assert len(read_audio(path)) == 80


def test_memory_is_in_proportion_to_the_result(tmp_path):
    noise = np.random.default_rng(2).uniform(-1, 1, (60 * 8000, 2))
    path = write_wav(tmp_path / "a.wav", noise, 8000)
    read_audio(path)  # imports and caches
    tracemalloc.start()
    audio = read_audio(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(audio) == 60 * 16000
    assert peak < 2.5 * audio.nbytes


def test_without_pyav_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"Install ac-keras\[media\]"):
        read_audio(tmp_path / "a.wav")
