"""Compares reading batches with reading bytes, and with a step's time.

    python benchmarks/reader.py

writes records of YouTube-8M's shape (300 frames of 1024 + 128 bytes) and of
Kinetics' (25 frames of 1536 + 1536 + 512 float16) into a temporary folder, and
the same records in fewer files. Each is read in turns, in one process: raw,
by one `TFRecordDataset` and by one for each file; by the package, for training
and for evaluation, 20 frames of each clip; and YouTube-8M's as its starter
code does, which decodes all frames first. Figures are medians over rounds and
ratios within rounds. Warm rounds begin when shuffling and prefetching have
filled their buffers; cold ones are whole passes after the kernel was asked to
drop the files' pages.

Then steps of training take batches at the Flash-MNIST and Kinetics settings,
between others that take one batch again and again: the share of a step that
is spent waiting for data, and how much longer a step is as reading needs the
same cores.
"""

import json
import os
import pathlib
import statistics
import tempfile
import time

import reader_floors
import reader_steps
import tensorflow as tf
from absl import app
from absl import flags

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches

_CLIPS = flags.DEFINE_integer("clips", 512, "Clips written.", lower_bound=64)
_FILES = flags.DEFINE_list("files", "1,8,64", "Files; all divide the last.")
_BATCHES = flags.DEFINE_integer("batches", 16, "Of a warm round.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Warm rounds.", lower_bound=1)
_COLD_ROUNDS = flags.DEFINE_integer("cold_rounds", 2, "0 leaves them out.")
_STEPS = flags.DEFINE_integer("steps", 20, "Of training; 0 leaves them out.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")

BATCH_SIZE = 64
SAMPLE_SIZE = 20
WARM_UP = 8  # batches of a warm round that are not timed


def make_ways(manifest: Manifest) -> dict[str, tf.data.Dataset]:
    """Gives the datasets of batches that are compared."""
    sizes = {"batch_size": BATCH_SIZE, "sample_size": SAMPLE_SIZE}
    auto = tf.data.AUTOTUNE
    ways = {
        "raw": reader_floors.raw_batches(manifest, BATCH_SIZE, None),
        "raw_parallel": reader_floors.raw_batches(manifest, BATCH_SIZE, auto),
        "training": training_batches(manifest, **sizes),
        "evaluation": evaluation_batches(manifest, "train", **sizes),
    }
    if manifest.description.record_format == "youtube8m":
        ways["starter"] = reader_floors.starter_batches(manifest, **sizes)
    return ways


def warm_rate(batches: tf.data.Dataset) -> float:
    """Reads some batches, clips/s."""
    iterator = iter(batches)
    for _ in range(WARM_UP):
        next(iterator)
    start = time.perf_counter()
    for _ in range(_BATCHES.value):
        next(iterator)
    return BATCH_SIZE * _BATCHES.value / (time.perf_counter() - start)


def cold_rate(manifest: Manifest, batches: tf.data.Dataset) -> float:
    """Reads the whole batches of files that are not in memory, clips/s."""
    for path in manifest.paths("train"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # The kernel drops what is written only.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    steps = manifest.split("train").num_clips // BATCH_SIZE
    start = time.perf_counter()
    for _ in batches.take(steps):
        pass
    return BATCH_SIZE * steps / (time.perf_counter() - start)


def compare(measures: dict[str, object], rounds: int) -> dict[str, dict]:
    """Takes all measures in turns and gives medians and ratios."""
    for measure in measures.values():
        measure()  # TensorFlow makes its functions ready.
    rates = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            rates[name].append(measure())
    compared = {}
    for name, values in rates.items():
        row = {"clips_per_second": round(statistics.median(values))}
        for other in {"raw", "raw_parallel", "starter"} & (rates.keys()):
            ratios = [x / y for x, y in zip(values, rates[other], strict=True)]
            row[f"to_{other}"] = round(statistics.median(ratios), 2)
        compared[name] = row
    return compared


def measure_reading(shape: str, manifest: Manifest) -> list[dict]:
    """Compares the ways on one set of files."""
    split = manifest.split("train")
    clip_bytes = sum(x.num_bytes for x in split.shards) / split.num_clips
    again = reader_floors.repeat(manifest, reader_floors.AGAIN)
    warm = {
        name: lambda batches=batches: warm_rate(batches)
        for name, batches in make_ways(again).items()
    }
    cold = {
        name: lambda batches=batches: cold_rate(manifest, batches)
        for name, batches in make_ways(manifest).items()
    }
    rows = []
    runs = {"warm": (warm, _ROUNDS.value)}
    if _COLD_ROUNDS.value:
        runs["cold"] = (cold, _COLD_ROUNDS.value)
    for pages, (measures, rounds) in runs.items():
        for way, figures in compare(measures, rounds).items():
            row = {"shape": shape, "files": len(split.shards), "pages": pages}
            rate = figures["clips_per_second"] * clip_bytes / 1e9
            row |= {"way": way, **figures, "gb_per_second": round(rate, 2)}
            rows.append(row)
            print_row(row)
    return rows


def print_row(row: dict) -> None:
    keys = ("shape", "files", "pages", "way", "clips_per_second")
    cells = [f"{row[key]:,}" if key in row else "" for key in keys[4:]]
    for key in ("gb_per_second", "to_raw", "to_raw_parallel", "to_starter"):
        cells.append(f"{row[key]:.2f}" if key in row else "")
    print("|", " | ".join([str(row[k]) for k in keys[:4]] + cells), "|")


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
    report = {"tensorflow": tf.__version__, "cpus": os.cpu_count()}
    report |= {"load": os.getloadavg()[0], "reading": [], "steps": []}
    print("{tensorflow}; {cpus} CPUs, load {load:.2f}.\n".format(**report))
    print("| shape | files | pages | way | clips/s | GB/s | to raw |", end="")
    print(" to raw, side by side | to starter |")
    print("|" + "---|" * 9)
    for shape in ("YouTube-8M", "Kinetics"):
        with tempfile.TemporaryDirectory() as directory:
            manifests = make_datasets(pathlib.Path(directory), shape)
            for manifest in manifests:
                report["reading"] += measure_reading(shape, manifest)
    print("\n| setting | step, ms | waiting | longer |\n|---|---|---|---|")
    for setting in reader_steps.SETTINGS if _STEPS.value else ():
        with tempfile.TemporaryDirectory() as directory:
            row = reader_steps.measure(setting, directory, _STEPS.value)
        report["steps"].append(row)
        print("| {setting} | {step_ms} |".format(**row), end="")
        print(" {waiting_share:.1%} | {longer:.2f} |".format(**row))
    if _OUTPUT.value:
        path = pathlib.Path(_OUTPUT.value)
        path.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    app.run(main)
