"""Clips of digits that are seen, move and are heard."""

import numpy as np
import pytest

from ac_keras.datasets import digits_av
from ac_keras.datasets.digits import Digits
from ac_keras.datasets.digits_av import DigitsAv
from ac_keras.datasets.digits_av import SpokenDigits

SIDE = 64


def solid_digits():
    """Images whose brightness tells the digit: a square in the middle."""
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 6:22, 6:22] = 255
    return Digits(images, np.arange(10, dtype=np.uint8))


def tones():
    """Sounds whose frequency tells the digit: 200 Hz and 200 more each."""
    time = np.arange(2000) / 8000
    sounds = [np.sin(2 * np.pi * 200 * (d + 1) * time) for d in range(10)]
    return SpokenDigits(
        tuple(x.astype("float32") for x in sounds), np.arange(10)
    )


@pytest.fixture(scope="module")
def maker():
    return DigitsAv(solid_digits(), tones(), SIDE)


def label_of(name):
    return digits_av.class_names().index(name)


def flash_centres(clip):
    """The brightest square's centre in each frame that has a whole one."""
    centres = []
    for number, frame in enumerate(clip.frames.max(axis=-1).astype(float)):
        rows, columns = np.nonzero(frame > 0.5 * frame.max())
        whole = frame[
            int(rows.mean()) - 4 : int(rows.mean()) + 4,
            int(columns.mean()) - 4 : int(columns.mean()) + 4,
        ]
        if frame.max() > 120 and whole.size and whole.min() > 100:
            centres.append((number, columns.mean(), rows.mean()))
    return centres


def velocities(centres):
    return np.array(
        [
            (b[1] - a[1], b[2] - a[2])
            for a, b in zip(centres, centres[1:], strict=False)
            if b[0] == a[0] + 1
        ]
    )


def loudest_tone(sound):
    spectrum = np.abs(np.fft.rfft(sound))
    return np.argmax(spectrum) * 8000 / len(sound)


def test_classes_are_all_triples():
    names = digits_av.class_names()
    assert len(names) == len(set(names)) == 64
    assert names[0] == "0_left_6" and names[-1] == "3_down_9"


@pytest.mark.parametrize("way", list(digits_av.WAYS))
def test_the_digit_moves_the_way_of_its_class(maker, way):
    rng = np.random.default_rng(3)
    means = []
    for _ in range(4):
        clip = maker.clip(label_of(f"1_{way}_7"), rng)
        means.append(velocities(flash_centres(clip)).mean(axis=0))
    mean, ahead = np.mean(means, axis=0), np.array(digits_av.WAYS[way])
    assert mean @ ahead > 0.8
    assert abs(mean @ ahead[::-1]) < 0.4


def test_the_digit_of_the_class_is_what_flashes():
    digits = solid_digits()
    digits.images[[0, 1, 3, 4, 5, 6, 7, 8, 9]] = 0  # None but 2 is seen.
    maker = DigitsAv(digits, tones(), SIDE)
    rng = np.random.default_rng(0)

    def lit_frames(name):
        frames = maker.clip(label_of(name), rng).frames.max(axis=-1)
        return np.sum((frames > 140).sum(axis=(1, 2)) > 100)

    flashes = digits_av.NUM_FLASHES * digits_av.FLASH_FRAMES
    assert all(lit_frames("2_left_6") >= flashes for _ in range(6))
    # A scrambled one of those that are drawn may be a 2.
    assert np.median([lit_frames("3_left_6") for _ in range(7)]) == 0


@pytest.mark.parametrize("said", digits_av.SAID)
def test_the_digit_of_the_class_is_what_is_said(maker, said):
    rng = np.random.default_rng(said)
    heard = [
        loudest_tone(maker.clip(label_of(f"0_up_{said}"), rng).sound)
        for _ in range(8)
    ]
    near = np.abs(np.array(heard) - 200 * (said + 1)) < 20
    assert near.mean() > 0.7  # What distracts is half as loud.


def test_unrelated_sound_says_another_digit(maker):
    rng = np.random.default_rng(0)
    heard = [
        loudest_tone(maker.clip(label_of("0_up_6"), rng, "unrelated").sound)
        for _ in range(12)
    ]
    assert np.mean(np.abs(np.array(heard) - 1400) < 20) < 0.3


def test_a_clip_without_sound_has_no_track(maker):
    clip = maker.clip(0, np.random.default_rng(0), "none")
    assert clip.sound is None and clip.frames.any()


def test_frames_and_sound_have_their_sizes(maker):
    clip = maker.clip(5, np.random.default_rng(0))
    assert clip.frames.shape == (62, SIDE, SIDE, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.sound.shape == (19_840,) and clip.sound.dtype == np.float32
    assert 0.3 < np.abs(clip.sound).max() <= 1


def test_the_same_generator_makes_the_same_clip(maker):
    first, again, other = (
        maker.clip(9, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first.frames == again.frames).all()
    assert (first.sound == again.sound).all()
    assert (first.frames != other.frames).any()


def test_the_smallest_side_holds_every_flash():
    side = digits_av.SMALLEST_SIDE
    maker = DigitsAv(solid_digits(), tones(), side)
    for seed in range(64):
        clip = maker.clip(seed, np.random.default_rng(seed), "none")
        assert clip.frames.shape == (62, side, side, 3)


@pytest.mark.parametrize("side", [50, 65])
def test_a_side_that_is_odd_or_too_small_is_refused(side):
    with pytest.raises(ValueError, match=f"Received: side={side}"):
        DigitsAv(solid_digits(), tones(), side)
