"""Clips of moving and spoken digits."""

import numpy as np
import pytest

from ac_keras.datasets import digits_av
from ac_keras.datasets.digits import Digits
from ac_keras.datasets.digits_av import HIGH_TONES
from ac_keras.datasets.digits_av import LOW_TONES
from ac_keras.datasets.digits_av import SAMPLE_RATE
from ac_keras.datasets.digits_av import DigitsAv
from ac_keras.datasets.digits_av import SpokenDigits
from ac_keras.datasets.digits_av import load_spoken_digits
from support.media.media_files import write_wav

SIDE = 64


def solid_digits():
    """Images with the same bright square for every digit."""
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 6:22, 6:22] = 255
    return Digits(images, np.arange(10, dtype=np.uint8))


def tones():
    """Recordings of digit d at 200 (d + 1) Hz."""
    time = np.arange(2000) / 8000
    recordings = [np.sin(2 * np.pi * 200 * (d + 1) * time) for d in range(10)]
    return SpokenDigits(
        tuple(x.astype("float32") for x in recordings), np.arange(10)
    )


@pytest.fixture(scope="module")
def maker():
    return DigitsAv(solid_digits(), tones(), SIDE)


def label_of(name):
    return digits_av.class_names().index(name)


def velocities(clip):
    """Steps of the brightest square's centre between frames that have it."""
    centres = []
    for number, frame in enumerate(clip.frames.max(axis=-1).astype(float)):
        centre = np.mean(np.nonzero(frame > 0.5 * frame.max()), axis=1)
        row, column = centre.astype(int)
        whole = frame[row - 4 : row + 4, column - 4 : column + 4]
        if frame.max() > 120 and whole.size and whole.min() > 100:
            centres.append((number, *centre[::-1]))
    steps = np.diff(centres, axis=0)
    return steps[steps[:, 0] == 1, 1:]


def loudest_tone(audio):
    spectrum = np.abs(np.fft.rfft(audio))
    return np.argmax(spectrum) * 8000 / len(audio)


def test_classes_are_all_triples():
    names = digits_av.class_names()
    assert len(names) == len(set(names)) == 64
    assert names[0] == "0_left_6" and names[-1] == "3_down_9"


@pytest.mark.parametrize("way", list(digits_av.DIRECTIONS))
def test_the_digit_moves_the_way_of_its_class(maker, way):
    rng = np.random.default_rng(3)
    clips = [maker.clip(label_of(f"1_{way}_7"), rng) for _ in range(4)]
    mean = np.mean([velocities(clip).mean(axis=0) for clip in clips], axis=0)
    ahead = np.array(digits_av.DIRECTIONS[way])
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


@pytest.mark.parametrize(
    "said, audio",
    [*((d, "of_class") for d in digits_av.SPOKEN), (6, "unrelated")],
)
def test_the_digit_of_the_class_is_said_unless_unrelated(maker, said, audio):
    rng = np.random.default_rng(said)
    args = () if audio == "of_class" else (audio,)
    heard = [
        loudest_tone(maker.clip(label_of(f"0_up_{said}"), rng, *args).audio)
        for _ in range(12)
    ]
    near = np.abs(np.array(heard) - 200 * (said + 1)) < 20
    # What distracts is half as loud.
    assert near.mean() < 0.3 if args else near.mean() > 0.7


def test_the_same_generator_makes_the_same_clip(maker):
    first, again, other = (
        maker.clip(9, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first.frames.shape == (62, SIDE, SIDE, 3)
    assert first.frames.dtype == np.uint8
    assert first.audio.shape == (19_840,) and first.audio.dtype == np.float32
    assert 0.3 < np.abs(first.audio).max() <= 1
    assert (first.frames == again.frames).all()
    assert (first.audio == again.audio).all()
    assert (first.frames != other.frames).any()


def test_the_smallest_side_holds_every_flash_of_silent_clips():
    side = digits_av.SMALLEST_SIDE
    maker = DigitsAv(solid_digits(), tones(), side)
    for seed in range(64):
        clip = maker.clip(seed, np.random.default_rng(seed), "none")
        assert clip.frames.shape == (62, side, side, 3)
        assert clip.audio is None and clip.frames.any()


def strongest_tones(audio):
    """The strongest of the telephone's low and high tones."""
    time = np.arange(len(audio)) / SAMPLE_RATE

    def power(tone):
        return abs(np.sum(audio * np.exp(-2j * np.pi * tone * time)))

    return max(LOW_TONES, key=power), max(HIGH_TONES, key=power)


KEYS = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "0": (941, 1336)}


def test_a_dialled_digit_is_its_keys_two_tones_in_odd_lengths():
    dialled = load_spoken_digits("dialled")
    for digits in dialled.values():
        for digit, tones in KEYS.items():
            chosen = np.flatnonzero(digits.labels == int(digit))
            assert len(chosen) >= 10
            for index in chosen:
                assert strongest_tones(digits.recordings[index]) == tones
    lengths = {len(x) for x in dialled["train"].recordings}
    assert len(lengths) > 100
    assert min(lengths) >= SAMPLE_RATE // 4
    train, test = (
        {x.tobytes() for x in dialled[split].recordings}
        for split in ("train", "test")
    )
    assert not train & test


@pytest.fixture
def wave_folder(tmp_path):
    for digit in range(10):
        for take in (0, 4, 5, 12):
            samples = np.array([0, 100 * digit + take + 1, -5]) / 2**15
            path = tmp_path / f"{digit}_jo_{take}.wav"
            write_wav(path, samples, SAMPLE_RATE)
    return tmp_path


def test_the_first_five_takes_are_the_test_split(wave_folder):
    loaded = load_spoken_digits("fsdd", wave_folder)
    for split, takes in {"train": (12, 5), "test": (0, 4)}.items():
        assert loaded[split].labels.tolist() == sorted(list(range(10)) * 2)
        peaks = [100 * d + t + 1 for d in range(10) for t in takes]
        for audio, peak in zip(loaded[split].recordings, peaks, strict=True):
            scale = max(peak, 5)
            np.testing.assert_allclose(audio[1:], [peak / scale, -5 / scale])


def test_a_missing_digit_is_named(wave_folder):
    for path in wave_folder.glob("7_*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"Received: none of \[7\]"):
        load_spoken_digits("fsdd", wave_folder)


def test_a_file_of_another_rate_is_refused(wave_folder):
    write_wav(wave_folder / "3_jo_5.wav", [0.1, 0.2], 16_000)
    with pytest.raises(ValueError, match=r"3_jo_5.wav.*\(1, 2, 16000\)"):
        load_spoken_digits("fsdd", wave_folder)


@pytest.mark.parametrize("side", [50, 65])
def test_a_side_that_is_odd_or_too_small_is_refused(side):
    with pytest.raises(ValueError, match=f"Received: side={side}"):
        DigitsAv(solid_digits(), tones(), side)


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="source='radio'"):
        load_spoken_digits("radio")
