"""Measures the memory of reading a dataset, for several sizes of it.

    python benchmarks/reader_memory.py --shape=kinetics_rgb

writes a thousand clips. Larger datasets are links to their files, with
manifests as for a million different clips. For each size, a new process reads
batches of training clips and prints its peak of resident memory: after the
imports, when the dataset is constructed, after the first batch, when the
shuffle buffer is full, and after many more batches. Linux only.
"""

import dataclasses
import itertools
import json
import os
import pathlib
import tempfile
import time

import reader_data
from absl import flags

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import training_batches
from measurement import program
from measurement.report import Report
from measurement.timing import memory_mib
from measurement.timing import run_worker

# Name: modalities and number of frames.
SHAPES = {
    "small": ({"rgb": Modality(64, "float16")}, 25),
    "kinetics_rgb": ({"rgb": reader_data.KINETICS["rgb"]}, 25),
    "kinetics": (reader_data.KINETICS, 25),
    "youtube8m": (
        {
            "rgb": Modality(1024, "uint8", (-2, 2)),
            "audio": Modality(128, "uint8", (-2, 2)),
        },
        300,
    ),
}

_SHAPE = flags.DEFINE_enum(
    "shape", "kinetics_rgb", list(SHAPES), "Shape of the clips."
)
_SIZES = flags.DEFINE_list(
    "sizes",
    "1000,100000,1000000",
    "Numbers of clips of the datasets, multiples of 1000.",
)
_BATCHES = flags.DEFINE_integer(
    "batches", 200, "Batches to read after the first one."
)
_MEASURE = flags.DEFINE_string(
    "measure", None, "Dataset to read; used by the program for its processes."
)

BATCH_SIZE = 64
SAMPLE_SIZE = 20
NUM_WRITTEN = 1000  # clips
NUM_FILES = 4
NUM_CLASSES = 400
PEAKS = ("imports", "constructed", "first batch", "all batches")


def link(source: Manifest, directory: pathlib.Path, times: int) -> None:
    """Makes a dataset of links to the files of another, each several times."""
    directory.mkdir()
    split = source.split("train")
    shards = []
    for copy, shard in itertools.product(range(times), split.shards):
        name = f"{copy:05d}-{shard.file}"
        os.link(source.directory / shard.file, directory / name)
        shards.append(dataclasses.replace(shard, file=name))
    larger = dataclasses.replace(
        split, shards=tuple(shards), class_counts=split.class_counts * times
    )
    manifest = Manifest(directory, source.description, {"train": larger})
    (directory / "manifest.json").write_text(manifest.dump())


def measure(directory: str) -> list[float]:
    """Reads batches; returns the peaks in MiB at `PEAKS`, and clips/s."""
    peaks = [memory_mib("VmHWM")]
    manifest = Manifest.load(directory)
    batches = training_batches(
        manifest, batch_size=BATCH_SIZE, sample_size=SAMPLE_SIZE
    )
    iterator = iter(batches)
    peaks.append(memory_mib("VmHWM"))
    next(iterator)
    peaks.append(memory_mib("VmHWM"))
    start = time.perf_counter()
    for _ in range(_BATCHES.value):
        next(iterator)
    seconds = time.perf_counter() - start
    return [*peaks, memory_mib("VmHWM"), _BATCHES.value * BATCH_SIZE / seconds]


def main(report):
    if _MEASURE.value:
        print(json.dumps(measure(_MEASURE.value)))
        return
    report, rows = Report(), []
    modalities, num_frames = SHAPES[_SHAPE.value]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source = reader_data.write_clips(
            folder / "written",
            *(NUM_WRITTEN, NUM_FILES, modalities, NUM_CLASSES, num_frames),
        )
        num_bytes = sum(x.num_bytes for x in source.split("train").shards)
        for size in map(int, _SIZES.value):
            directory = folder / str(size)
            link(source, directory, size // NUM_WRITTEN)
            arguments = f"--measure={directory}", f"--batches={_BATCHES.value}"
            values = run_worker(__file__, *arguments)
            rows.append([f"{size:,}", *(f"{x:,.0f}" for x in values)])
    report.add_table(
        f"Peak of resident memory, MiB; {_SHAPE.value}, "
        f"{num_bytes / NUM_WRITTEN / 1000:,.1f} KB per clip",
        ["clips", *PEAKS, "clips/s"],
        rows,
    )


if __name__ == "__main__":
    program.run(main)
