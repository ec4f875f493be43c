"""Clips in which digits are seen, move and are heard.

A class is a triple: the digit that flashes up, the way it moves, and the digit
that is said. None of the three tells anything about the others. Frames show
the digit and, when they are taken as a set, not which way it went; flow shows
the way and little of the digit; what is said is in the sound alone.
"""

import dataclasses

import numpy as np

from ac_keras.datasets.digits import SIDE
from ac_keras.datasets.digits import Digits
from ac_keras.datasets.spoken_digits import SAMPLE_RATE
from ac_keras.datasets.spoken_digits import SpokenDigits

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
