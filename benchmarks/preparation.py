"""Compares preparing Flash-MNIST with its noise and CNN features alone.

    python benchmarks/preparation.py

generates clips of the digits that scikit-learn ships, extracts their features
and writes them on all cores, as data/flash_mnist/prepare.py does. The lower
bound is the noise and the CNN's features alone, also on all cores, in the same
process. Each optimization is compared with `peers/plain_preparation.py`. Ways
take turns; values are medians over rounds, ratios are taken within rounds.

    python benchmarks/preparation.py --full --mnist_dir=DIR

also prepares the dataset of the paper from MNIST and measures the time.
"""

import concurrent.futures
import functools
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets import load_digits
from ac_keras.datasets.flash_mnist import NUM_CLASSES
from ac_keras.datasets.flash_mnist import NUM_FRAMES
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.datasets.flash_mnist import count_intensities
from ac_keras.datasets.flash_shards import CHUNK
from ac_keras.datasets.flash_shards import FlashShards
from ac_keras.datasets.flash_shards import write_frame_digits
from ac_keras.datasets.frame_cnn import BATCH_SIZE
from ac_keras.datasets.frame_cnn import make_extractor
from ac_keras.datasets.frame_cnn import train_frame_cnn
from ac_keras.models import frame_cnn
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from measurement import program
from measurement.report import Report
from measurement.timing import median_ratio
from measurement.timing import time_in_turns
from peers import plain_preparation

_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.", lower_bound=1)
_CLIPS = flags.DEFINE_integer("clips", 2_560, "Number of training clips.")
_TEST_CLIPS = flags.DEFINE_integer("test_clips", 256, "Number of test clips.")
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 640, "Number of clips per file."
)
_STEPS = flags.DEFINE_integer("steps", 256, "Steps of pretraining per round.")
_FULL = flags.DEFINE_bool("full", False, "Also prepare the paper's dataset.")
_MNIST_DIR = flags.DEFINE_string(
    "mnist_dir", None, "Folder of MNIST, for --full."
)

ROOT = pathlib.Path(__file__).resolve().parents[1]
FULL_FRAMES = 330_000  # of pretraining
FULL_CLIPS = 102_400 + 10_240
GOAL = 60  # seconds, on two cores
PROGRAM = "data/flash_mnist/prepare.py"
LOWER_BOUND, WHOLE = "lower bound: noise and features", "optimized"
PRETRAINING = "pretraining"


def stream(split: str, *index: int) -> np.random.Generator:
    """Returns a random generator."""
    return np.random.Generator(np.random.SFC64([len(split), *index]))


def stage_ways(digits: Digits, cnn: keras.Model) -> dict[str, tuple]:
    """Returns each stage's plain and optimized way, and their frames."""
    rng = stream("stages")
    maker = FlashMnist(digits, digits)
    plain = plain_preparation.PlainFlashMnist(digits, digits)
    clips = maker.clips(rng.integers(0, NUM_CLASSES, CHUNK), rng)
    num_frames = len(clips) * NUM_FRAMES
    many = np.tile(digits.images, (20, 1, 1))
    picked = rng.integers(0, len(digits.labels), _STEPS.value * BATCH_SIZE)
    frames = Digits(digits.images[picked], digits.labels[picked])
    plain_features = plain_preparation.make_extractor(cnn)
    features = make_extractor(cnn)
    fit = plain_preparation.make_training(frame_cnn())
    epochs = train_frame_cnn(
        frame_cnn(), frames, keras.optimizers.Adam(), BATCH_SIZE, 10**6, rng
    )
    return {
        "counting intensities": (
            lambda: plain_preparation.count_intensities(many),
            lambda: count_intensities(many),
            len(many),
        ),
        "noise": (
            lambda: plain.noise(num_frames, rng),
            lambda: maker.noise(num_frames, rng),
            num_frames,
        ),
        "features": (
            lambda: plain_features(clips),
            lambda: features(clips),
            num_frames,
        ),
        PRETRAINING: (lambda: fit(frames), lambda: next(epochs), len(picked)),
    }


def write_dataset(digits, sizes, make, extract, ahead=True, keep=True):
    """Writes a small dataset, parts of it in the plain way."""
    makers = {x: make(digits[x], digits["train"]) for x in sizes}
    shards = FlashShards(makers, sizes, _CLIPS_PER_SHARD.value, stream)
    about = "flash_mnist", tuple(class_names()), {"rgb": Modality(50)}
    kept = "test" if keep else None
    with tempfile.TemporaryDirectory() as folder:
        writer = DatasetWriter(folder, Description(*about), shards.counts)
        missing = writer.missing_shards()
        clips_of = shards.clips(missing, extract, kept)
        for shard in missing:
            if not ahead:
                clips_of = shards.clips([shard], extract, kept)
            writer.write_shard(*shard, clips_of(*shard))
        write_frame_digits(folder, shards.frame_digits("test"))
        writer.finish()


def whole_ways(digits: dict[str, Digits], cnn: keras.Model, sizes) -> dict:
    """Returns the lower bound, the whole, and it without optimizations."""
    ours, plain = FlashMnist, plain_preparation.PlainFlashMnist
    extract = make_extractor(cnn)
    plain_extract = plain_preparation.make_extractor(cnn)
    maker, cores = ours(digits["train"], digits["train"]), os.cpu_count()
    pool = concurrent.futures.ThreadPoolExecutor(cores)

    def make_chunk(first):
        noise = maker.noise(CHUNK * NUM_FRAMES, stream("bound", first))
        return extract(noise.reshape(CHUNK, NUM_FRAMES, *noise.shape[1:]))

    firsts = range(0, sum(sizes.values()), CHUNK)
    write = functools.partial(write_dataset, digits, sizes)
    return {
        LOWER_BOUND: lambda: list(pool.map(make_chunk, firsts)),
        WHOLE: lambda: write(ours, extract),
        "features by Keras layers": lambda: write(ours, plain_extract),
        "noise by indexing": lambda: write(plain, extract),
        "shards one by one": lambda: write(ours, extract, ahead=False),
        "test clips generated twice": lambda: write(ours, extract, keep=False),
        "all of the above": lambda: write(plain, plain_extract, False, False),
    }


def add_stages(report: Report, digits: Digits, cnn: keras.Model) -> float:
    """Adds the stages; returns the seconds per frame of pretraining."""
    stages = stage_ways(digits, cnn)
    rows, seconds = [], {}
    for name, (before, after, count) in stages.items():
        found = time_in_turns({"before": before, "after": after}, _ROUNDS.value)
        medians = [statistics.median(x) / count for x in found.values()]
        seconds[name] = medians[1]
        gain = median_ratio(found["before"], found["after"])
        rows.append([name, *(f"{1e6 * x:.2f}" for x in medians), f"{gain:.2f}"])
    report.add_table(
        "Stages on one core, microseconds per frame or image",
        ["stage", "plain", "optimized", "plain / optimized"],
        rows,
    )
    return seconds[PRETRAINING]


def add_whole(report: Report, digits: dict[str, Digits], cnn) -> float:
    """Adds the whole on all cores; returns its clips/s."""
    sizes = {"train": _CLIPS.value, "test": _TEST_CLIPS.value}
    count = sum(sizes.values())
    found = time_in_turns(whole_ways(digits, cnn, sizes), _ROUNDS.value)
    rates = {x: count / statistics.median(s) for x, s in found.items()}
    rows = []
    for name, seconds in found.items():
        share = median_ratio(found[LOWER_BOUND], seconds)
        rows.append([name, f"{rates[name]:.0f}", f"{share:.2f}"])
    report.add_table(
        f"Clips generated, extracted and written by {os.cpu_count()} cores, "
        f"{_CLIPS_PER_SHARD.value} per file",
        ["way", "clips/s", "share of the lower bound"],
        rows,
    )
    return rates[WHOLE]


def add_full(report: Report) -> None:
    """Prepares the dataset of the paper and adds the seconds it takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, ROOT / PROGRAM, f"--output_dir={folder}"]
        command += ["--digits=mnist", f"--mnist_dir={_MNIST_DIR.value}"]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
    goal = "Flash-MNIST from MNIST at full size, seconds"
    report.add_goal(goal, seconds, GOAL)


def main(report):
    if _FULL.value and not _MNIST_DIR.value:
        raise app.UsageError(
            "Expected a folder of MNIST for --full. Received: none. Set "
            "--mnist_dir."
        )
    tf.config.threading.set_intra_op_parallelism_threads(1)  # as prepare.py
    digits, cnn = load_digits("uci"), frame_cnn()
    pretraining = add_stages(report, digits["train"], cnn)
    rate = add_whole(report, digits, cnn)
    parts = {PRETRAINING: FULL_FRAMES * pretraining, "clips": FULL_CLIPS / rate}
    parts["both"] = sum(parts.values())
    report.add_table(
        "Estimate for the dataset of the paper, without the start of Python "
        "and TensorFlow",
        ["", "seconds"],
        [[name, f"{seconds:.0f}"] for name, seconds in parts.items()],
    )
    if _FULL.value:
        add_full(report)


if __name__ == "__main__":
    program.run(main)
