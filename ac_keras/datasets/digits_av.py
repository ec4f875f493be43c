"""Clips in which digits are seen, move and are heard.

A class is a triple: the digit that flashes up, the way it moves, and the digit
that is said. None of the three tells anything about the others. Frames show
the digit and, when they are taken as a set, not which way it went; flow shows
the way and little of the digit; what is said is in the sound alone.
"""

import dataclasses
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


FRAMES_PER_SECOND = 25
NUM_FRAMES = 62
NUM_SAMPLES = NUM_FRAMES * SAMPLE_RATE // FRAMES_PER_SECOND
SEEN = (0, 1, 2, 3)
WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
SAID = (6, 7, 8, 9)
NUM_FLASHES = 2  # of the class's digit, and as many of scrambled ones
FLASH_FRAMES = 10
SPEED = (1.6, 2.6)  # pixels a frame
SMALLEST_SIDE = 52  # that a digit can cross at the highest speed
DRIFT = 0.6  # of what distracts, at most
NOISE = 10.0  # standard deviation of a pixel, of 255
HISS = (0.01, 0.05)  # standard deviation of the background's sound
LOUDNESS = (0.5, 0.9)
SOUNDS = ("right", "none", "unrelated")


@dataclasses.dataclass(frozen=True)
class AvClip:
    """A clip before it is a media file.

    Attributes:
        frames: uint8 `(num_frames, side, side, 3)`.
        sound: float32 `(num_samples,)` at 8 kHz; None without a track.
    """

    frames: np.ndarray
    sound: np.ndarray | None


def class_names() -> list[str]:
    """Names the classes by digit, way and spoken digit: `3_left_7`."""
    return [
        f"{seen}_{way}_{said}" for seen in SEEN for way in WAYS for said in SAID
    ]


class DigitsAv:
    """Makes clips.

    Args:
        digits: The images that flash.
        spoken: The sounds.
        side: Width and height of a frame in pixels, even, 52 or more.

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
        self._images_of = [
            np.flatnonzero(digits.labels == digit) for digit in range(10)
        ]
        self._sounds_of = [
            np.flatnonzero(spoken.labels == digit) for digit in range(10)
        ]

    def clip(
        self, label: int, rng: np.random.Generator, sound: str = "right"
    ) -> AvClip:
        """Makes a clip.

        Args:
            label: The class's index.
            rng: Decides all else.
            sound: `"right"`, `"none"` for no track, or `"unrelated"` for
                another digit than the class's.
        """
        seen, way, said = np.unravel_index(
            label, (len(SEEN), len(WAYS), len(SAID))
        )
        frames = self._picture(SEEN[seen], list(WAYS.values())[way], rng)
        if sound == "none":
            return AvClip(frames, None)
        if sound == "unrelated":
            said = (said + rng.integers(1, len(SAID))) % len(SAID)
        return AvClip(frames, self._speak(SAID[said], rng))

    def _picture(self, digit, way, rng):
        frames = _background(self.side, rng)
        slots = rng.permutation(2 * NUM_FLASHES)
        length = NUM_FRAMES // (2 * NUM_FLASHES)
        for number, slot in enumerate(slots):
            first = slot * length + rng.integers(length - FLASH_FRAMES + 1)
            if number < NUM_FLASHES:
                image = self._image(digit, rng)
                velocity = np.array(way) * rng.uniform(*SPEED)
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
        sound = hiss * rng.standard_normal(NUM_SAMPLES, np.float32)
        other = self._spoken.sounds[rng.integers(len(self._spoken.sounds))]
        # Speech that says nothing, for half as loud as what is said.
        _add(sound, other[::-1], 0.5 * rng.uniform(*LOUDNESS), rng)
        word = self._spoken.sounds[rng.choice(self._sounds_of[digit])]
        _add(sound, word, rng.uniform(*LOUDNESS), rng)
        return np.clip(sound, -1, 1)


def _background(side, rng):
    """Makes a still texture of a few colours, float32."""
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
    """Cuts an image into quarters, turns and exchanges them."""
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
    # Somewhere, so that the whole way lies within the frame.
    low = np.maximum(0, -travel)
    high = side - SIDE - np.maximum(0, travel)
    start = rng.uniform(low, np.maximum(low, high))
    light = image[..., None] / np.float32(255) * (255 * colour)
    for step in range(FLASH_FRAMES):
        x, y = np.rint(start + step * velocity).astype(int)
        part = frames[first + step, y : y + SIDE, x : x + SIDE]
        np.maximum(part, light, out=part, casting="same_kind")


def _add(sound, part, loudness, rng):
    """Adds a shorter sound somewhere, cut where it does not fit."""
    part = part[: len(sound)]
    first = rng.integers(len(sound) - len(part) + 1)
    sound[first : first + len(part)] += np.float32(loudness) * part
