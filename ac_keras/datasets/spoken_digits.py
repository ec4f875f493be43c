"""Digits as sound: spoken, or dialled on a telephone."""

import dataclasses
import os
import pathlib
import re
import wave

import numpy as np

SAMPLE_RATE = 8_000  # Hz, of the recordings
TEST_TAKES = 5  # the first takes of each speaker and digit
FILE_NAME = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.wav")
# Rows and columns of a telephone's keys, in Hz (ITU-T Q.23).
LOW_TONES = (697, 770, 852, 941)
HIGH_TONES = (1209, 1336, 1477)
KEYS = ("123", "456", "789", "*0#")
DIALLED = {"train": 40, "test": 10}  # sounds of each digit
SECONDS = (0.25, 0.5)  # of a dialled digit


@dataclasses.dataclass(frozen=True)
class SpokenDigits:
    """Sounds of single digits.

    Attributes:
        sounds: float32 `(num_samples,)` each, at 8 kHz, with a largest
            magnitude of 1.
        labels: int64 `(count,)`, 0 to 9.
    """

    sounds: tuple[np.ndarray, ...]
    labels: np.ndarray


def load_spoken_digits(
    source: str, speech_dir: str | os.PathLike | None = None
) -> dict[str, SpokenDigits]:
    """Loads sounds of digits in a training and a test split.

    Args:
        source: `"dialled"`, dual tones that are computed here; or `"fsdd"`,
            the Free Spoken Digit Dataset, whose takes 0 to 4 of each speaker
            are its test split.
        speech_dir: Folder of the dataset's `DIGIT_SPEAKER_TAKE.wav` files.

    Returns:
        A dict with `train` and `test`.

    Raises:
        FileNotFoundError: If there are no such files in the folder.
        ValueError: If the source is unknown, or a file or a digit is not as
            it must be.
    """
    if source == "dialled":
        return {
            split: _dial(count, seed)
            for seed, (split, count) in enumerate(DIALLED.items())
        }
    if source != "fsdd":
        raise ValueError(
            "load_spoken_digits expects source 'dialled' or 'fsdd'. Received: "
            f"source={source!r}."
        )
    return _read_recordings(pathlib.Path(speech_dir or "."))


def _read_recordings(folder):
    found = {"train": [], "test": []}
    for path in sorted(folder.glob("*.wav")):
        match = FILE_NAME.fullmatch(path.name)
        if match:
            digit, _, take = match.groups()
            split = "test" if int(take) < TEST_TAKES else "train"
            found[split].append((int(digit), path))
    for split, files in found.items():
        missing = set(range(10)) - {digit for digit, _ in files}
        if missing:
            raise FileNotFoundError(
                "Expected files DIGIT_SPEAKER_TAKE.wav of all ten digits, "
                f"such as 7_jackson_32.wav, for {split}. Received: none of "
                f"{sorted(missing)} in {folder}. Name the folder "
                "`recordings` of the Free Spoken Digit Dataset."
            )
    return {
        split: SpokenDigits(
            tuple(_read_wave(path) for _, path in files),
            np.array([digit for digit, _ in files]),
        )
        for split, files in found.items()
    }


def _read_wave(path):
    with wave.open(str(path)) as file:
        layout = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if layout != (1, 2, SAMPLE_RATE) or not file.getnframes():
            raise ValueError(
                f"Expected 16-bit mono sound at {SAMPLE_RATE} Hz. Received: "
                f"{path} with channels, bytes and rate {layout} and "
                f"{file.getnframes()} samples. Take the dataset's own files."
            )
        data = file.readframes(file.getnframes())
    sound = np.frombuffer(data, "<i2").astype(np.float32)
    return sound / max(np.abs(sound).max(), 1)


def _dial(count, seed):
    """Computes dual tones of several lengths and levels of the two tones."""
    rng = np.random.default_rng([seed, 697])
    labels = np.repeat(np.arange(10), count)
    return SpokenDigits(tuple(_dual_tone(x, rng) for x in labels), labels)


def _dual_tone(digit, rng):
    ((row, column),) = [
        (row, keys.index(str(digit)))
        for row, keys in enumerate(KEYS)
        if str(digit) in keys
    ]
    length = int(rng.uniform(*SECONDS) * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    low, high = (
        np.sin(2 * np.pi * (tone * time + rng.random()))
        for tone in (LOW_TONES[row], HIGH_TONES[column])
    )
    sound = low + rng.uniform(0.7, 1.4) * high
    ramp = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)  # no clicks
    return (ramp * sound / np.abs(sound).max()).astype(np.float32)
