"""Digits as sound, from tones and from files."""

import wave

import numpy as np
import pytest

from ac_keras.datasets.digits_av import HIGH_TONES
from ac_keras.datasets.digits_av import LOW_TONES
from ac_keras.datasets.digits_av import SAMPLE_RATE
from ac_keras.datasets.digits_av import load_spoken_digits

KEYS = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "0": (941, 1336)}


@pytest.fixture(scope="module")
def dialled():
    return load_spoken_digits("dialled")


def strongest_tones(sound):
    """The strongest of the telephone's low and high tones."""
    time = np.arange(len(sound)) / SAMPLE_RATE
    power = {
        tone: abs(np.sum(sound * np.exp(-2j * np.pi * tone * time)))
        for tone in (*LOW_TONES, *HIGH_TONES)
    }
    return tuple(max(tones, key=power.get) for tones in (LOW_TONES, HIGH_TONES))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_dialled_digit_is_its_keys_two_tones(dialled, split):
    digits = dialled[split]
    for digit, tones in KEYS.items():
        chosen = np.flatnonzero(digits.labels == int(digit))
        assert len(chosen) >= 10
        for index in chosen:
            assert strongest_tones(digits.sounds[index]) == tones


def test_dialled_digits_differ_in_length_and_between_splits(dialled):
    lengths = {len(x) for x in dialled["train"].sounds}
    assert len(lengths) > 100
    assert min(lengths) >= SAMPLE_RATE // 4
    tests = [x.tobytes() for x in dialled["test"].sounds]
    assert not {x.tobytes() for x in dialled["train"].sounds} & set(tests)


def write_wave(path, samples, rate=SAMPLE_RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, "<i2").tobytes())


@pytest.fixture
def recordings(tmp_path):
    for digit in range(10):
        for take in (0, 4, 5, 12):
            samples = [0, 100 * digit + take + 1, -5]
            write_wave(tmp_path / f"{digit}_jo_{take}.wav", samples)
    return tmp_path


def test_the_first_five_takes_are_the_test_split(recordings):
    loaded = load_spoken_digits("fsdd", recordings)
    for split, takes in {"train": (12, 5), "test": (0, 4)}.items():
        assert loaded[split].labels.tolist() == sorted(list(range(10)) * 2)
        peaks = [100 * d + t + 1 for d in range(10) for t in takes]
        for sound, peak in zip(loaded[split].sounds, peaks, strict=True):
            scale = max(peak, 5)
            np.testing.assert_allclose(sound[1:], [peak / scale, -5 / scale])


def test_a_missing_digit_is_named(recordings):
    for path in recordings.glob("7_*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"Received: none of \[7\]"):
        load_spoken_digits("fsdd", recordings)


def test_a_file_of_another_rate_is_refused(recordings):
    write_wave(recordings / "3_jo_5.wav", [1, 2], rate=16_000)
    with pytest.raises(ValueError, match=r"3_jo_5.wav.*\(1, 2, 16000\)"):
        load_spoken_digits("fsdd", recordings)


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="source='radio'"):
        load_spoken_digits("radio")
