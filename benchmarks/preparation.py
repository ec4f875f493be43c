"""What making Flash-MNIST takes, next to drawing noise and the CNN alone.

    python benchmarks/preparation.py

makes clips of the digits that scikit-learn ships, extracts their features and
writes them, as data/flash_mnist/prepare.py does, by all cores. The floor is
noise and the CNN's features alone, by all cores too, in the same process. What
makes it fast is timed against the plain way (`peers/plain_preparation.py`).
Ways take turns; figures are medians over rounds and ratios within rounds. Only

    python benchmarks/preparation.py --full --mnist_dir=DIR

also makes the paper's dataset, of MNIST and at full size, and takes its time.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import tensorflow as tf
from absl import app
from absl import flags

import preparation_ways
from ac_keras.datasets import Digits
from ac_keras.datasets import load_digits
from ac_keras.models import frame_cnn
from report import Report

_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.", lower_bound=1)
_CLIPS = flags.DEFINE_integer("clips", 2_560, "Clips of training digits.")
_TEST_CLIPS = flags.DEFINE_integer("test_clips", 256, "And of test digits.")
_CLIPS_PER_SHARD = flags.DEFINE_integer("clips_per_shard", 640, "In a file.")
_STEPS = flags.DEFINE_integer("steps", 256, "Of pretraining, in a round.")
_FULL = flags.DEFINE_bool("full", False, "Whether to make the paper's, too.")
_MNIST_DIR = flags.DEFINE_string("mnist_dir", None, "MNIST's, for --full.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")

ROOT = pathlib.Path(__file__).resolve().parents[1]
FULL_FRAMES = 330_000  # of pretraining
FULL_CLIPS = 102_400 + 10_240
GOAL = 60  # seconds, on two cores
ABOUT = (
    "Clips of the digits that scikit-learn ships are made, extracted and "
    "written as data/flash_mnist/prepare.py does it. The floor is noise and "
    "the CNN's features alone, by all cores too. What makes it fast is left "
    "out in turn. Medians over rounds, ratios within rounds."
)
PROGRAM = "data/flash_mnist/prepare.py"
FLOOR, WHOLE = preparation_ways.FLOOR, preparation_ways.WHOLE


def take_turns(ways: dict) -> dict[str, list[float]]:
    """Times ways in turns, after a first time each, in seconds a round."""
    seconds = {name: [] for name in ways}
    for number in range(_ROUNDS.value + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(before: list[float], after: list[float]) -> float:
    """Gives the median over rounds of a ratio within them."""
    return statistics.median(x / y for x, y in zip(before, after, strict=True))


def add_stages(report: Report, digits: Digits, cnn: keras.Model) -> float:
    """Reports the stages; gives the seconds of a frame of pretraining."""
    stages = preparation_ways.stage_ways(digits, cnn, _STEPS.value)
    rows, seconds = [], {}
    for name, (before, after, count) in stages.items():
        found = take_turns({"before": before, "after": after})
        medians = [statistics.median(x) / count for x in found.values()]
        seconds[name] = medians[1]
        gain = ratio(found["before"], found["after"])
        rows.append([name, *(f"{1e6 * x:.2f}" for x in medians), f"{gain:.2f}"])
    report.add_table(
        "Stages on one core, microseconds for a frame or an image",
        ["stage", "plain way", "as it is", "plain / as it is"],
        rows,
    )
    return seconds[preparation_ways.PRETRAINING]


def add_whole(report: Report, digits: dict[str, Digits], cnn) -> float:
    """Reports the whole by all cores; gives its clips a second."""
    sizes = {"train": _CLIPS.value, "test": _TEST_CLIPS.value}
    count = sum(sizes.values())
    found = take_turns(
        preparation_ways.whole_ways(digits, cnn, sizes, _CLIPS_PER_SHARD.value)
    )
    rates = {x: count / statistics.median(s) for x, s in found.items()}
    rows = [
        [name, f"{rates[name]:.0f}", f"{ratio(found[FLOOR], seconds):.2f}"]
        for name, seconds in found.items()
    ]
    report.add_table(
        f"Clips made, extracted and written by {os.cpu_count()} cores, "
        f"{_CLIPS_PER_SHARD.value} in a file",
        ["way", "clips/s", "of the floor"],
        rows,
    )
    return rates[WHOLE]


def add_full(report: Report) -> None:
    """Makes the paper's dataset and reports the seconds from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, ROOT / PROGRAM, f"--output_dir={folder}"]
        command += ["--digits=mnist", f"--mnist_dir={_MNIST_DIR.value}"]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
    report.add_goal("Flash-MNIST of MNIST at full size, seconds", seconds, GOAL)


def main(argv):
    del argv
    if _FULL.value and not _MNIST_DIR.value:
        raise app.UsageError(
            "Expected a folder of MNIST for --full. Received: none. Name it "
            "by --mnist_dir."
        )
    tf.config.threading.set_intra_op_parallelism_threads(1)  # as prepare.py
    report = Report("Preparation", ABOUT)
    digits, cnn = load_digits("uci"), frame_cnn()
    pretraining = add_stages(report, digits["train"], cnn)
    rate = add_whole(report, digits, cnn)
    seconds = FULL_FRAMES * pretraining + FULL_CLIPS / rate
    report.add_table(
        "The paper's dataset by these figures: an estimate, without the start "
        "of Python and TensorFlow",
        ["", "seconds"],
        [
            ["pretraining", f"{FULL_FRAMES * pretraining:.0f}"],
            ["clips", f"{FULL_CLIPS / rate:.0f}"],
            ["both", f"{seconds:.0f}"],
        ],
    )
    if _FULL.value:
        add_full(report)
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
