"""Compares reading batches with the raw read and with a step's time.

    python benchmarks/reader.py

writes records of YouTube-8M's shape (300 frames of 1024 + 128 bytes) and of
Kinetics' (25 frames of 1536 + 1536 + 512 float16) into a temporary folder, and
the same records in fewer files. These ways read them in turns in one process:

- raw: one `TFRecordDataset`, alone or with parallel reads;
- the package's reader for training and for evaluation, 20 frames of each clip;
- YouTube-8M's starter code, which decodes all frames first.

Values are medians over rounds, ratios are taken within rounds. A round starts
when tf.data is tuned and its buffers are full. In cold rounds, the kernel is
asked to drop the files' pages after as many batches as the files hold.
Training reads in another order and so reads some files again before they are
dropped.

Then training steps at the Flash-MNIST and Kinetics settings take batches of
the reader, and in turns one batch in memory: the difference is the time spent
waiting for data, and the time that reading takes from the cores.
"""

import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Iterator

import keras
import tensorflow as tf
from absl import flags

from ac_keras import cluster_classifier
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches
from ac_keras.training import UpdateStep
from measurement import program
from measurement.report import Report
from measurement.timing import median_ratio
from peers import readers
from peers.setting import FLASH_MNIST
from peers.setting import KINETICS
from peers.setting import Setting

_CLIPS = flags.DEFINE_integer(
    "clips", 256, "Number of clips to write.", lower_bound=64
)
_FILES = flags.DEFINE_list("files", "1,8,64", "Numbers of files.")
_BATCHES = flags.DEFINE_integer("batches", 32, "Batches per round.")
_ROUNDS = flags.DEFINE_integer(
    "rounds", 1, "Number of warm rounds.", lower_bound=1
)
_STEPS = flags.DEFINE_integer(
    "steps", 15, "Training steps to time; 0 skips them."
)

BATCH_SIZE = 64
SAMPLE_SIZE = 20
WARM_UP = 20  # batches of a round that are not timed
OTHERS = ("raw", "raw, parallel", "starter code")
HEADER = ["way", "files", "page cache", "clips/s", "GB/s"]
HEADER += [f"times {other}" for other in OTHERS]
STEP_WARM_UP = 8  # steps that are not timed
# Sizes of a model, modalities of its records, and arguments of the reader, as
# in trainers/flags.
STEPS = {
    "Flash-MNIST": (FLASH_MNIST, {"rgb": Modality(50)}, {"in_memory": True}),
    "Kinetics": (KINETICS, readers.KINETICS, {"sample_size": SAMPLE_SIZE}),
}


def make_ways(manifest: Manifest) -> dict[str, tf.data.Dataset]:
    """Returns the datasets of batches to compare."""
    sizes = {"batch_size": BATCH_SIZE, "sample_size": SAMPLE_SIZE}
    auto = tf.data.AUTOTUNE
    ways = {
        "raw": readers.raw_batches(manifest, BATCH_SIZE, None),
        "raw, parallel": readers.raw_batches(manifest, BATCH_SIZE, auto),
        "training": training_batches(manifest, **sizes),
        "evaluation": evaluation_batches(manifest, "train", **sizes),
    }
    if manifest.description.record_format == "youtube8m":
        ways["starter code"] = readers.starter_batches(manifest, **sizes)
    return ways


def read_rate(batches: tf.data.Dataset, before_pass) -> float:
    """Reads batches, calls a function before every pass; returns clips/s."""
    iterator = iter(batches)
    for index in range(WARM_UP + _BATCHES.value):
        if index % (_CLIPS.value // BATCH_SIZE) == 0:
            before_pass()
        if index == WARM_UP:
            start = time.perf_counter()
        next(iterator)
    return BATCH_SIZE * _BATCHES.value / (time.perf_counter() - start)


def drop_pages(manifest: Manifest) -> None:
    """Asks the kernel to drop the pages of the files from memory."""
    for path in manifest.paths("train"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # Only written pages are dropped.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_reading(manifest: Manifest) -> Iterator[tuple[str, dict]]:
    """Yields the rates of the ways on one set of files, warm and once cold."""
    ways = make_ways(readers.repeat(manifest))
    kinds = [("warm", _ROUNDS.value, lambda: None)]
    if len(manifest.split("train").shards) > 1:
        kinds.append(("cold", 1, lambda: drop_pages(manifest)))
    for pages, rounds, before_pass in kinds:
        rates = {name: [] for name in ways}
        for _ in range(rounds):
            for name, batches in ways.items():
                rates[name].append(read_rate(batches, before_pass))
        yield pages, rates


def add_reading(report: Report, shape: str, manifests: list[Manifest]):
    """Adds the table and the goals of a shape of records."""
    rows, warm = [], []
    for manifest in manifests:
        split = manifest.split("train")
        clip_bytes = sum(x.num_bytes for x in split.shards) / split.num_clips
        for pages, rates in measure_reading(manifest):
            if pages == "warm":
                warm.append(rates)
            for name, values in rates.items():
                rate = statistics.median(values)
                row = [name, len(split.shards), pages, f"{rate:,.0f}"]
                row.append(f"{rate * clip_bytes / 1e9:.2f}")
                row += [
                    f"{median_ratio(values, rates[other]):.2f}"
                    if other in rates
                    else ""
                    for other in OTHERS
                ]
                rows.append(row)
    report.add_table(f"{shape}-shaped records", HEADER, rows)
    for other, limit in (("raw", 0.8), ("starter code", 3.0)):
        ratios = [
            median_ratio(x["training"], x[other]) for x in warm if other in x
        ]
        if ratios:
            goal = f"{shape}-shaped records for training, warm, times {other}"
            ratio = statistics.median(ratios)
            report.add_goal(goal, ratio, limit, at_most=False)


def time_steps(step, batches, num_steps: int):
    """Returns the seconds of each step, and of its wait for the batch."""
    seconds, waits = [], []
    for _ in range(num_steps):
        start = time.perf_counter()
        batch = next(batches)
        waits.append(time.perf_counter() - start)
        step(batch).numpy()
        seconds.append(time.perf_counter() - start)
    return seconds, waits


def measure_steps(setting: Setting, dataset: tf.data.Dataset, num_steps: int):
    """Times steps with batches of the reader and with one batch in memory.

    Returns:
        The seconds of a step with the batch in memory; the shares of it that a
        dataset takes to return this batch, and that the reader takes beyond;
        the time of a step with the reader to that of one without.
    """
    model = cluster_classifier(*setting.sizes)
    update = UpdateStep(model, keras.optimizers.RMSprop(1e-3), clip_norm=5.0)
    step = tf.function(lambda batch: update(*batch, setting.batch_size)[0])
    (held,) = dataset.take(1)
    ready = iter(tf.data.Dataset.from_tensors(held).repeat().prefetch(2))
    time_steps(step, ready, STEP_WARM_UP)
    before = time_steps(step, ready, num_steps)
    batches = iter(dataset)
    time_steps(step, batches, STEP_WARM_UP)
    read, waits = time_steps(step, batches, num_steps)
    del batches  # It would continue to read.
    after = time_steps(step, ready, num_steps)
    alone = statistics.median(before[0] + after[0])
    hand_over = statistics.mean(before[1] + after[1])
    waiting = max(statistics.mean(waits) - hand_over, 0)
    ratio = statistics.median(read) / alone
    return alone, hand_over / alone, waiting / alone, ratio


def add_steps(report: Report):
    """Adds the time that training steps wait for batches."""
    rows, shares = [], {}
    for name, (setting, modalities, options) in STEPS.items():
        # With a dataset in memory, the end of an epoch is measured too.
        in_memory = "in_memory" in options
        num_clips, times = (4096, 1) if in_memory else (512, readers.REPEATS)
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory, "written")
            written = readers.write_clips(
                folder, num_clips, 8, modalities, setting.num_classes
            )
            dataset = training_batches(
                readers.repeat(written, times),
                batch_size=setting.batch_size,
                **options,
            )
            found = measure_steps(setting, dataset, _STEPS.value)
        alone, hand_over, shares[name], ratio = found
        cells = f"{hand_over:.2%}", f"{shares[name]:.2%}", f"{ratio:.2f}"
        rows.append([name, f"{1000 * alone:.1f}", *cells])
    header = ["setting", "step alone, ms", "hand-over", "waiting"]
    header.append("step time ratio")
    report.add_table("Training steps with the reader", header, rows)
    for name, share in shares.items():
        text = f"{name} steps, share of the time spent waiting for data"
        report.add_goal(text, share, 0.01)


def make_dataset(
    directory: pathlib.Path, shape: str, num_files: int
) -> Manifest:
    """Writes records of a shape in a number of files."""
    if shape == "YouTube-8M":
        return readers.write_videos(directory, _CLIPS.value, num_files)
    return readers.write_clips(
        directory, _CLIPS.value, num_files, readers.KINETICS, 400
    )


def main(report):
    for shape in ("YouTube-8M", "Kinetics"):
        with tempfile.TemporaryDirectory() as directory:
            manifests = [
                make_dataset(pathlib.Path(directory, x), shape, int(x))
                for x in _FILES.value
            ]
            add_reading(report, shape, manifests)
    if _STEPS.value:
        add_steps(report)


if __name__ == "__main__":
    program.run(main)
