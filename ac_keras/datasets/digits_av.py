"""digits_av: clips with a moving digit and a spoken digit.

A class is a triple: the digit that flashes up, the direction it moves in and
the digit that is spoken, all independent. A set of frames shows the digit but
not the direction; optical flow shows the direction and little of the digit;
only audio has the spoken digit.
"""

import dataclasses
import itertools
import os
import pathlib
import re
import wave

import numpy as np

from ac_keras.datasets.digits import SIDE
from ac_keras.datasets.digits import Digits

SAMPLE_RATE = 8_000  # Hz, of the recordings
TEST_TAKES = 5  # the first takes of each speaker and digit
FILE_NAME = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.wav")
# Rows and columns of telephone keys, in Hz (ITU-T Q.23).
LOW_TONES = (697, 770, 852, 941)
HIGH_TONES = (1209, 1336, 1477)
KEYS = ("123", "456", "789", "*0#")
DIALLED = {"train": 40, "test": 10}  # recordings of each digit
SECONDS = (0.25, 0.5)  # duration of a dialled digit

FRAMES_PER_SECOND = 25
NUM_FRAMES = 62
NUM_SAMPLES = NUM_FRAMES * SAMPLE_RATE // FRAMES_PER_SECOND
SHOWN = (0, 1, 2, 3)
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
SPOKEN = (6, 7, 8, 9)
NUM_FLASHES = 2  # of the class's digit, and of scrambled digits
FLASH_FRAMES = 10
SPEED = (1.6, 2.6)  # pixels a frame
SMALLEST_SIDE = 52  # that a digit can cross at the highest speed
DRIFT = 0.6  # maximum speed of scrambled digits
NOISE = 10.0  # standard deviation of a pixel, of 255
HISS = (0.01, 0.05)  # standard deviation of background noise
LOUDNESS = (0.5, 0.9)
AUDIO_KINDS = ("right", "none", "unrelated")


@dataclasses.dataclass(frozen=True)
class SpokenDigits:
    """Recordings of single digits.

    Attributes:
        recordings: float32 `(num_samples,)` each, at 8 kHz, with a maximum
            magnitude of 1.
        labels: int64 `(count,)`, 0 to 9.
    """

    recordings: tuple[np.ndarray, ...]
    labels: np.ndarray


def load_spoken_digits(
    source: str, speech_dir: str | os.PathLike | None = None
) -> dict[str, SpokenDigits]:
    """Loads recordings of digits in a training and a test split.

    Args:
        source: `"dialled"`, synthesized dual tones; or `"fsdd"`, the Free
            Spoken Digit Dataset, with takes 0 to 4 of each speaker as test
            split.
        speech_dir: Folder of its `DIGIT_SPEAKER_TAKE.wav` files.

    Returns:
        A dict with `train` and `test`.

    Raises:
        FileNotFoundError: If there are no such files in the folder.
        ValueError: If the source is unknown or a file has another format.
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


@dataclasses.dataclass(frozen=True)
class AvClip:
    """A clip that is not encoded yet.

    Attributes:
        frames: uint8 `(num_frames, side, side, 3)`.
        audio: float32 `(num_samples,)` at 8 kHz; None without a track.
    """

    frames: np.ndarray
    audio: np.ndarray | None


def class_names() -> list[str]:
    """Names the classes by digit, direction and spoken digit: `3_left_7`."""
    triples = itertools.product(SHOWN, DIRECTIONS, SPOKEN)
    return ["_".join(map(str, triple)) for triple in triples]


class DigitsAv:
    """Generator of clips.

    Args:
        digits: Images of digits.
        spoken: Recordings of spoken digits.
        side: Integer, width and height of a frame in pixels, even, 52 or more.

    Raises:
        ValueError: If the side is odd or too small.
    """

    def __init__(self, digits: Digits, spoken: SpokenDigits, side: int):
        if side < SMALLEST_SIDE or side % 2:
            raise ValueError(
                f"DigitsAv expects an even side of {SMALLEST_SIDE} pixels or "
                f"more, so that a digit of {SIDE} can move. Received: "
                f"side={side}. Choose 64 to 112."
            )
        self.side = side
        self._digits, self._spoken = digits, spoken
        self._images_of, self._recordings_of = (
            [np.flatnonzero(x.labels == digit) for digit in range(10)]
            for x in (digits, spoken)
        )

    def clip(
        self, label: int, rng: np.random.Generator, audio: str = "right"
    ) -> AvClip:
        """Makes a clip of a class.

        Args:
            label: Index of the class.
            rng: Source of all randomness.
            audio: `"right"`, `"none"` for no track, or `"unrelated"` for
                another spoken digit than that of the class.
        """
        shown, direction, spoken = np.unravel_index(
            label, (len(SHOWN), len(DIRECTIONS), len(SPOKEN))
        )
        direction = list(DIRECTIONS.values())[direction]
        frames = self._draw_frames(SHOWN[shown], direction, rng)
        if audio == "none":
            return AvClip(frames, None)
        if audio == "unrelated":
            spoken = (spoken + rng.integers(1, len(SPOKEN))) % len(SPOKEN)
        return AvClip(frames, self._speak(SPOKEN[spoken], rng))

    def _draw_frames(self, digit, direction, rng):
        frames = _background(self.side, rng)
        slots = rng.permutation(2 * NUM_FLASHES)
        length = NUM_FRAMES // (2 * NUM_FLASHES)
        for number, slot in enumerate(slots):
            first = slot * length + rng.integers(length - FLASH_FRAMES + 1)
            if number < NUM_FLASHES:
                image = self._image(digit, rng)
                velocity = np.array(direction) * rng.uniform(*SPEED)
            else:
                image = _scramble(self._image(rng.integers(10), rng), rng)
                velocity = rng.uniform(-DRIFT, DRIFT, 2)
            colour = rng.uniform(0.6, 1.0, 3)
            _flash(frames, image, first, velocity, colour, rng)
        noise = rng.standard_normal(frames.shape, np.float32)
        return np.clip(frames + NOISE * noise, 0, 255).astype(np.uint8)

    def _image(self, digit, rng):
        return self._digits.images[rng.choice(self._images_of[digit])]

    def _speak(self, digit, rng):
        hiss = rng.uniform(*HISS)
        audio = hiss * rng.standard_normal(NUM_SAMPLES, np.float32)
        recordings = self._spoken.recordings
        other = recordings[rng.integers(len(recordings))]
        # A reversed word, at half the loudness.
        _add(audio, other[::-1], 0.5 * rng.uniform(*LOUDNESS), rng)
        word = recordings[rng.choice(self._recordings_of[digit])]
        _add(audio, word, rng.uniform(*LOUDNESS), rng)
        return np.clip(audio, -1, 1)


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
                f"Expected 16-bit mono audio at {SAMPLE_RATE} Hz. Received: "
                f"{path} with channels, bytes and rate {layout} and "
                f"{file.getnframes()} samples. Take the dataset's own files."
            )
        data = file.readframes(file.getnframes())
    audio = np.frombuffer(data, "<i2").astype(np.float32)
    return audio / max(np.abs(audio).max(), 1)


def _dial(count, seed):
    """Synthesizes dual tones of random lengths and levels."""
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
    audio = low + rng.uniform(0.7, 1.4) * high
    ramp = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)  # no clicks
    return (ramp * audio / np.abs(audio).max()).astype(np.float32)


def _background(side, rng):
    """Makes a still background of a few colours, float32."""
    coarse = rng.uniform(20, 90, (4, 4, 3)).astype(np.float32)
    steps = np.arange(side) * 3 / (side - 1)
    low = np.minimum(steps.astype(int), 2)
    part = (steps - low).astype(np.float32)
    rows = coarse[low] + part[:, None, None] * (coarse[low + 1] - coarse[low])
    still = rows[:, low] + part[None, :, None] * (
        rows[:, low + 1] - rows[:, low]
    )
    return np.repeat(still[None], NUM_FRAMES, axis=0)


def _scramble(image, rng):
    """Cuts an image into quarters, rotates and exchanges them."""
    half = SIDE // 2
    quarters = [
        np.rot90(image[y : y + half, x : x + half], rng.integers(1, 4))
        for y in (0, half)
        for x in (0, half)
    ]
    a, b, c, d = rng.permutation(4)
    return np.block([[quarters[a], quarters[b]], [quarters[c], quarters[d]]])


def _flash(frames, image, first, velocity, colour, rng):
    """Draws a moving image over some frames."""
    side, travel = frames.shape[1], velocity * (FLASH_FRAMES - 1)
    # A random place from which the whole path lies within the frame.
    low = np.maximum(0, -travel)
    high = side - SIDE - np.maximum(0, travel)
    start = rng.uniform(low, np.maximum(low, high))
    light = image[..., None] / np.float32(255) * (255 * colour)
    for step in range(FLASH_FRAMES):
        x, y = np.rint(start + step * velocity).astype(int)
        part = frames[first + step, y : y + SIDE, x : x + SIDE]
        np.maximum(part, light, out=part, casting="same_kind")


def _add(audio, part, loudness, rng):
    """Adds a recording at a random time, cut if it is longer than the clip."""
    part = part[: len(audio)]
    first = rng.integers(len(audio) - len(part) + 1)
    audio[first : first + len(part)] += np.float32(loudness) * part
