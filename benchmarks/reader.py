"""Compares reading batches with reading bytes, and with a step's time.

    python benchmarks/reader.py

writes records of YouTube-8M's shape (300 frames of 1024 + 128 bytes) and of
Kinetics' (25 frames of 1536 + 1536 + 512 float16) into a temporary folder, and
the same records in fewer files. Each is read in turns, in one process: raw,
by one `TFRecordDataset` and by one for each file; by the package, for training
and for evaluation, 20 frames of each clip; and YouTube-8M's as its starter
code does, which decodes all frames first. Figures are medians over rounds and
ratios within rounds. They are those of reading that goes on: a round begins
when tf.data has tuned itself and buffers are full. In cold rounds the kernel is
asked to drop the files' pages after as many batches as the files hold (training
has another order, and so meets some files again that were not dropped since).

Then steps of training take batches at the Flash-MNIST and Kinetics settings,
between others that take one batch again and again from a dataset that only
hands it over: the share of the time that is spent waiting for data besides,
and how much longer a step is as reading needs the same cores.
"""

import os
import pathlib
import statistics
import tempfile
import time

import tensorflow as tf
from absl import app
from absl import flags

import reader_floors
import reader_steps
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches
from report import Report

_CLIPS = flags.DEFINE_integer("clips", 256, "Clips written.", lower_bound=64)
_FILES = flags.DEFINE_list("files", "1,8,64", "Files; all divide the last.")
_BATCHES = flags.DEFINE_integer("batches", 32, "Of a round.")
_ROUNDS = flags.DEFINE_integer("rounds", 1, "Warm rounds.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 15, "Of training; 0 leaves them out.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")

BATCH_SIZE = 64
SAMPLE_SIZE = 20
WARM_UP = 20  # batches of a round that are not timed
ABOUT = (
    "Clips a second of the package's reader, 20 frames of each clip, against "
    "the raw read of the same TFRecord files and against YouTube-8M's starter "
    "code's way; and whether steps of training wait for it."
)
HEADER = ["way", "files", "pages", "clips/s", "GB/s"]
HEADER += ["to raw", "to raw, side by side", "to starter's"]


def make_ways(manifest: Manifest) -> dict[str, tf.data.Dataset]:
    """Gives the datasets of batches that are compared."""
    sizes = {"batch_size": BATCH_SIZE, "sample_size": SAMPLE_SIZE}
    auto = tf.data.AUTOTUNE
    ways = {
        "raw": reader_floors.raw_batches(manifest, BATCH_SIZE, None),
        "raw, side by side": reader_floors.raw_batches(
            manifest, BATCH_SIZE, auto
        ),
        "training": training_batches(manifest, **sizes),
        "evaluation": evaluation_batches(manifest, "train", **sizes),
    }
    if manifest.description.record_format == "youtube8m":
        ways["starter's"] = reader_floors.starter_batches(manifest, **sizes)
    return ways


def read_rate(batches: tf.data.Dataset, before_pass=lambda: None) -> float:
    """Reads some batches, clips/s, calling a function before every pass."""
    iterator = iter(batches)
    for index in range(WARM_UP + _BATCHES.value):
        if index % (_CLIPS.value // BATCH_SIZE) == 0:
            before_pass()
        if index == WARM_UP:
            start = time.perf_counter()
        next(iterator)
    return BATCH_SIZE * _BATCHES.value / (time.perf_counter() - start)


def drop_pages(manifest: Manifest) -> None:
    """Asks the kernel to have a split's files no longer in memory."""
    for path in manifest.paths("train"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # The kernel drops what is written only.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_in_turns(
    ways: dict, rounds: int, before_pass=lambda: None
) -> dict[str, list[float]]:
    """Gives every way's rates, one a round."""
    rates = {name: [] for name in ways}
    for _ in range(rounds):
        for name, batches in ways.items():
            rates[name].append(read_rate(batches, before_pass))
    return rates


def ratio(rates: dict[str, list], name: str, other: str) -> float:
    """Gives the median ratio of two ways within rounds."""
    pairs = zip(rates[name], rates[other], strict=True)
    return statistics.median(x / y for x, y in pairs)


def measure_reading(manifest: Manifest) -> list[tuple[str, dict]]:
    """Compares the ways on one set of files, warm and once cold."""
    again = reader_floors.repeat(manifest, reader_floors.AGAIN)
    ways = make_ways(again)
    found = [("warm", read_in_turns(ways, _ROUNDS.value))]
    if len(manifest.split("train").shards) > 1:
        cold = read_in_turns(ways, 1, lambda: drop_pages(manifest))
        found.append(("cold", cold))
    return found


def add_reading(report: Report, shape: str, manifests: list[Manifest]):
    """Adds a shape's table and goals."""
    rows, goals = [], []
    for manifest in manifests:
        split = manifest.split("train")
        clip_bytes = sum(x.num_bytes for x in split.shards) / split.num_clips
        for pages, rates in measure_reading(manifest):
            for name, values in rates.items():
                rate = statistics.median(values)
                row = [name, len(split.shards), pages, f"{rate:,.0f}"]
                row.append(f"{rate * clip_bytes / 1e9:.2f}")
                for other in ("raw", "raw, side by side", "starter's"):
                    known = other in rates
                    row.append(
                        f"{ratio(rates, name, other):.2f}" if known else ""
                    )
                rows.append(row)
            if pages == "warm":
                goals.append(rates)
    report.add_table(f"{shape}-shaped records", HEADER, rows)
    for other, limit in (("raw", 0.8), ("starter's", 3.0)):
        figures = [ratio(x, "training", other) for x in goals if other in x]
        if figures:
            text = f"{shape}-shaped records for training, warm, times {other}"
            figure = statistics.median(figures)
            report.add_goal(text, figure, limit, at_most=False)


def add_steps(report: Report):
    """Adds what steps wait for batches."""
    rows = []
    for setting in reader_steps.SETTINGS:
        with tempfile.TemporaryDirectory() as directory:
            row = reader_steps.measure(setting, directory, _STEPS.value)
        rows.append((setting, row))
    report.add_table(
        "Steps of training that read",
        ["setting", "step alone, ms", "handing over", "waiting", "longer"],
        [
            [
                setting,
                f"{row['step_ms']:.1f}",
                f"{row['handing_over']:.2%}",
                f"{row['waiting']:.2%}",
                f"{row['longer']:.2f}",
            ]
            for setting, row in rows
        ],
    )
    for setting, row in rows:
        text = f"{setting} steps, share of the time spent waiting for data"
        report.add_goal(text, row["waiting"], 0.01)


def make_datasets(directory: pathlib.Path, shape: str) -> list[Manifest]:
    """Writes a shape's records, in every number of files."""
    counts = sorted({int(x) for x in _FILES.value})
    sizes = directory / "written", _CLIPS.value, counts[-1]
    if shape == "YouTube-8M":
        written = reader_floors.write_videos(*sizes)
    else:
        written = reader_floors.write_clips(
            *sizes, reader_floors.HALF, "float16", 400
        )
    return [
        reader_floors.join_files(written, directory / f"{count}", count)
        for count in counts
    ]


def main(argv):
    del argv
    report = Report("Reader", ABOUT)
    for shape in ("YouTube-8M", "Kinetics"):
        with tempfile.TemporaryDirectory() as directory:
            manifests = make_datasets(pathlib.Path(directory), shape)
            add_reading(report, shape, manifests)
    if _STEPS.value:
        add_steps(report)
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
