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

import reader_data
import tensorflow as tf
from absl import flags

import reader_steps
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches
from measurement import program
from measurement.report import Report
from measurement.timing import median_ratio

_CLIPS = flags.DEFINE_integer(
    "clips", 256, "Number of clips to write.", lower_bound=64
)
_FILES = flags.DEFINE_list(
    "files", "1,8,64", "Numbers of files; each divides the last one."
)
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


def make_ways(manifest: Manifest) -> dict[str, tf.data.Dataset]:
    """Returns the datasets of batches to compare."""
    sizes = {"batch_size": BATCH_SIZE, "sample_size": SAMPLE_SIZE}
    auto = tf.data.AUTOTUNE
    ways = {
        "raw": reader_data.raw_batches(manifest, BATCH_SIZE, None),
        "raw, parallel": reader_data.raw_batches(manifest, BATCH_SIZE, auto),
        "training": training_batches(manifest, **sizes),
        "evaluation": evaluation_batches(manifest, "train", **sizes),
    }
    if manifest.description.record_format == "youtube8m":
        ways["starter code"] = reader_data.starter_batches(manifest, **sizes)
    return ways


def read_rate(batches: tf.data.Dataset, before_pass=lambda: None) -> float:
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


def read_in_turns(
    ways: dict, rounds: int, before_pass=lambda: None
) -> dict[str, list[float]]:
    """Returns the rates of every way, one per round."""
    rates = {name: [] for name in ways}
    for _ in range(rounds):
        for name, batches in ways.items():
            rates[name].append(read_rate(batches, before_pass))
    return rates


def measure_reading(manifest: Manifest) -> list[tuple[str, dict]]:
    """Compares the ways on one set of files, warm and once cold."""
    ways = make_ways(reader_data.repeat(manifest))
    found = [("warm", read_in_turns(ways, _ROUNDS.value))]
    if len(manifest.split("train").shards) > 1:
        cold = read_in_turns(ways, 1, lambda: drop_pages(manifest))
        found.append(("cold", cold))
    return found


def add_reading(report: Report, shape: str, manifests: list[Manifest]):
    """Adds the table and the goals of a shape of records."""
    rows, goals = [], []
    for manifest in manifests:
        split = manifest.split("train")
        clip_bytes = sum(x.num_bytes for x in split.shards) / split.num_clips
        for pages, rates in measure_reading(manifest):
            for name, values in rates.items():
                rate = statistics.median(values)
                row = [name, len(split.shards), pages, f"{rate:,.0f}"]
                row.append(f"{rate * clip_bytes / 1e9:.2f}")
                for other in OTHERS:
                    ratio = ""
                    if other in rates:
                        ratio = f"{median_ratio(values, rates[other]):.2f}"
                    row.append(ratio)
                rows.append(row)
            if pages == "warm":
                goals.append(rates)
    report.add_table(f"{shape}-shaped records", HEADER, rows)
    for other, limit in (("raw", 0.8), ("starter code", 3.0)):
        ratios = [
            median_ratio(x["training"], x[other]) for x in goals if other in x
        ]
        if ratios:
            goal = f"{shape}-shaped records for training, warm, times {other}"
            ratio = statistics.median(ratios)
            report.add_goal(goal, ratio, limit, at_most=False)


def add_steps(report: Report):
    """Adds the time that training steps wait for batches."""
    rows = []
    for setting in reader_steps.SETTINGS:
        with tempfile.TemporaryDirectory() as directory:
            row = reader_steps.measure(setting, directory, _STEPS.value)
        rows.append((setting, row))
    report.add_table(
        "Training steps with the reader",
        [
            "setting",
            "step alone, ms",
            "hand-over",
            "waiting",
            "step time ratio",
        ],
        [
            [
                setting,
                f"{row['step_ms']:.1f}",
                f"{row['hand_over']:.2%}",
                f"{row['waiting']:.2%}",
                f"{row['ratio']:.2f}",
            ]
            for setting, row in rows
        ],
    )
    for setting, row in rows:
        text = f"{setting} steps, share of the time spent waiting for data"
        report.add_goal(text, row["waiting"], 0.01)


def make_datasets(directory: pathlib.Path, shape: str) -> list[Manifest]:
    """Writes records of a shape, once for every number of files."""
    counts = sorted({int(x) for x in _FILES.value})
    sizes = directory / "written", _CLIPS.value, counts[-1]
    if shape == "YouTube-8M":
        written = reader_data.write_videos(*sizes)
    else:
        written = reader_data.write_clips(*sizes, reader_data.KINETICS, 400)
    return [
        reader_data.join_files(written, directory / f"{count}", count)
        for count in counts
    ]


def main(report):
    for shape in ("YouTube-8M", "Kinetics"):
        with tempfile.TemporaryDirectory() as directory:
            manifests = make_datasets(pathlib.Path(directory), shape)
            add_reading(report, shape, manifests)
    if _STEPS.value:
        add_steps(report)


if __name__ == "__main__":
    program.run(main)
