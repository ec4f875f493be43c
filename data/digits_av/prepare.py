"""Makes media files in which digits are seen, move and are heard.

    python data/digits_av/prepare.py --output_dir=videos/digits_av

uses the digits that scikit-learn ships and telephone tones, and needs no
network. With `--digits=mnist --mnist_dir=DIR --speech=fsdd --speech_dir=DIR`
it shows MNIST and says the Free Spoken Digits; see README.md beside this file.
Files that are there already are left as they are.
"""

import functools
import json
import multiprocessing
import pathlib
import sys
from concurrent import futures

import numpy as np
import tqdm
from absl import app
from absl import flags

from ac_keras.datasets import Digits
from ac_keras.datasets import digits_av
from ac_keras.datasets import load_digits
from ac_keras.datasets.digits_av import SAMPLE_RATE
from ac_keras.datasets.digits_av import SpokenDigits
from ac_keras.datasets.digits_av import load_spoken_digits
from ac_keras.extraction.media.writer import write_mp4
from ac_keras.utils import atomic_file

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of SPLIT/CLASS/CLIP.mp4.", required=True
)
_DIGITS = flags.DEFINE_enum(
    "digits", "uci", ["uci", "mnist"], "Whose digits are seen."
)
_MNIST_DIR = flags.DEFINE_string(
    "mnist_dir", None, "Folder of MNIST's four IDX files, plain or .gz."
)
_SPEECH = flags.DEFINE_enum(
    "speech", "dialled", ["dialled", "fsdd"], "What is heard."
)
_SPEECH_DIR = flags.DEFINE_string(
    "speech_dir", None, "Folder `recordings` of the Free Spoken Digits."
)
_NUM_TRAIN = flags.DEFINE_integer("num_train", 4_000, "Clips.", lower_bound=1)
_NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation", 500, "Clips.", lower_bound=0
)
_NUM_TEST = flags.DEFINE_integer("num_test", 1_000, "Clips.", lower_bound=1)
_SIDE = flags.DEFINE_integer("side", 64, "Pixels, even, 52 or more.")
_SILENT = flags.DEFINE_float(
    "silent", 0.05, "Share of clips without a sound track.", 0, 1
)
_UNRELATED = flags.DEFINE_float(
    "unrelated", 0.05, "Share of clips in which another digit is said.", 0, 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Decides everything.", lower_bound=0)
_WORKERS = flags.DEFINE_integer(
    "workers", None, "Processes; else as many as there are cores."
)

SPLITS = ("train", "validation", "test")
HELD_OUT = 10  # every tenth image and sound is of the validation split
DECISIVE = (
    _DIGITS,
    _SPEECH,
    _NUM_TRAIN,
    _NUM_VALIDATION,
    _NUM_TEST,
    _SIDE,
    _SILENT,
    _UNRELATED,
    _SEED,
)
SETTINGS = "digits_av.json"


def part_of(whole: Digits | SpokenDigits, split: str) -> Digits | SpokenDigits:
    """Gives what a split shows or says of a source; no two share any."""
    if split == "test":
        return whole
    held_out = np.arange(len(whole.labels)) % HELD_OUT == 0
    chosen = np.flatnonzero(held_out == (split == "validation"))
    if isinstance(whole, Digits):
        return Digits(whole.images[chosen], whole.labels[chosen])
    sounds = tuple(whole.sounds[i] for i in chosen)
    return SpokenDigits(sounds, whole.labels[chosen])


def sizes() -> dict[str, int]:
    """Counts the clips of each split."""
    counts = (_NUM_TRAIN.value, _NUM_VALIDATION.value, _NUM_TEST.value)
    return {name: n for name, n in zip(SPLITS, counts, strict=True) if n}


@functools.cache  # once in each process
def makers() -> dict[str, digits_av.DigitsAv]:
    """Makes what makes the clips of each split."""
    digits = load_digits(_DIGITS.value, _MNIST_DIR.value)
    spoken = load_spoken_digits(_SPEECH.value, _SPEECH_DIR.value)
    made = {}
    for split in SPLITS:
        source = "test" if split == "test" else "train"
        made[split] = digits_av.DigitsAv(
            part_of(digits[source], split),
            part_of(spoken[source], split),
            _SIDE.value,
        )
    return made


def choose_labels(split: str) -> np.ndarray:
    """Gives each class to equally many clips, in a random order."""
    rng = np.random.default_rng([_SEED.value, SPLITS.index(split)])
    count = sizes()[split]
    return rng.permutation(np.arange(count) % len(digits_av.class_names()))


def begin(argv: list[str]) -> None:
    """Reads the flags in a process that was started for them."""
    flags.FLAGS(argv)


def write_clip(split: str, index: int, label: int) -> None:
    """Writes a clip, unless it is there."""
    name = digits_av.class_names()[label]
    path = pathlib.Path(_OUTPUT_DIR.value) / split / name
    path = path / f"{split}-{index:06d}.mp4"
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([_SEED.value, SPLITS.index(split), index])
    shares = [1 - _SILENT.value - _UNRELATED.value, _SILENT.value]
    kind = np.searchsorted(np.cumsum(shares), rng.random(), side="right")
    sound = digits_av.SOUNDS[kind]
    clip = makers()[split].clip(label, rng, sound)
    write_mp4(
        path,
        clip.frames,
        digits_av.FRAMES_PER_SECOND,
        clip.sound,
        SAMPLE_RATE,
    )


def check_folder(directory: pathlib.Path) -> None:
    """Checks that a folder is new or was begun with the same flags."""
    if _SILENT.value + _UNRELATED.value > 1:
        raise app.UsageError(
            "Expected --silent and --unrelated of 1 together at most. "
            f"Received: {_SILENT.value} and {_UNRELATED.value}."
        )
    settings = {flag.name: flag.value for flag in DECISIVE}
    path = directory / SETTINGS
    if not path.is_file():
        if directory.is_dir() and any(directory.iterdir()):
            sys.exit(
                f"Expected an empty folder, or one with {SETTINGS}. Received: "
                f"{directory}. Name another one."
            )
        directory.mkdir(parents=True, exist_ok=True)
        atomic_file.write_text(path, json.dumps(settings, indent=1) + "\n")
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    if found != settings:
        raise SystemExit(
            f"Expected the flags that {directory} was begun with: {found}. "
            f"Received: {settings}. Name another folder, or remove this one."
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    directory = pathlib.Path(_OUTPUT_DIR.value)
    makers()  # Errors of its sources come before any file.
    check_folder(directory)
    jobs = [
        (split, index, int(label))
        for split in sizes()
        for index, label in enumerate(choose_labels(split))
    ]
    with futures.ProcessPoolExecutor(
        _WORKERS.value,
        multiprocessing.get_context("spawn"),
        begin,
        (sys.argv,),
    ) as pool:
        done = pool.map(write_clip, *zip(*jobs, strict=True), chunksize=16)
        for _ in tqdm.tqdm(
            done, "Writing clips", len(jobs), unit="clip", mininterval=1.0
        ):
            pass
    for split, count in sizes().items():
        print(f"{split}: {count} clips")
    print(f"digits_av is in {directory}")


if __name__ == "__main__":
    app.run(main)
