"""Measures the memory of reading a dataset, for several sizes of it.

    python benchmarks/reader_memory.py --shape=kinetics_rgb

writes a thousand clips. Larger datasets are links to their files, with
manifests as for a million different clips. For each size, a new process reads
batches of training clips and prints its peak of resident memory: after the
imports, when the dataset is constructed, after the first batch, when the
shuffle buffer is full, and after many more batches. Linux only.
"""

import dataclasses
import os
import pathlib
import tempfile
import time

from absl import flags

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import training_batches
from measurement import program
from measurement.timing import memory_mib
from measurement.timing import run_worker
from peers import readers

# Name: modalities and number of frames.
SHAPES = {
    "small": ({"rgb": Modality(64, "float16")}, 25),
    "kinetics_rgb": ({"rgb": readers.KINETICS["rgb"]}, 25),
    "kinetics": (readers.KINETICS, 25),
    "youtube8m": (readers.YOUTUBE8M, 300),
}

_SHAPE = flags.DEFINE_enum(
    "shape", "kinetics_rgb", list(SHAPES), "Shape of the clips."
)
_SIZES = flags.DEFINE_list(
    "sizes",
    "1000,100000,1000000",
    "Numbers of clips of the datasets, multiples of 1000.",
)
_BATCHES = flags.DEFINE_integer("batches", 200, "Batches after the first one.")

BATCH_SIZE = 64
SAMPLE_SIZE = 20
NUM_WRITTEN = 1000  # clips
NUM_FILES = 4
NUM_CLASSES = 400
PEAKS = ("imports", "constructed", "first batch", "all batches")


def link(source: Manifest, directory: pathlib.Path, times: int) -> None:
    """Makes a dataset of links to the files of another, each several times."""
    directory.mkdir()
    split = readers.repeat(source, times).split("train")
    shards = []
    for index, shard in enumerate(split.shards):
        name = f"{index:05d}-{shard.file}"
        os.link(source.directory / shard.file, directory / name)
        shards.append(dataclasses.replace(shard, file=name))
    larger = dataclasses.replace(split, shards=tuple(shards))
    manifest = Manifest(directory, source.description, {"train": larger})
    (directory / "manifest.json").write_text(manifest.dump())


def measure(directory: str, num_batches: int) -> list[float]:
    """Reads batches; returns the peaks in MiB at `PEAKS`, and clips/s."""
    peaks = [memory_mib("VmHWM")]
    batches = training_batches(
        Manifest.load(directory), batch_size=BATCH_SIZE, sample_size=SAMPLE_SIZE
    )
    iterator = iter(batches)
    peaks.append(memory_mib("VmHWM"))
    next(iterator)
    peaks.append(memory_mib("VmHWM"))
    start = time.perf_counter()
    for _ in range(num_batches):
        next(iterator)
    seconds = time.perf_counter() - start
    return [*peaks, memory_mib("VmHWM"), num_batches * BATCH_SIZE / seconds]


def main(report):
    rows, (modalities, num_frames) = [], SHAPES[_SHAPE.value]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source = readers.write_clips(
            folder / "written",
            *(NUM_WRITTEN, NUM_FILES, modalities, NUM_CLASSES, num_frames),
        )
        num_bytes = sum(x.num_bytes for x in source.split("train").shards)
        for size in map(int, _SIZES.value):
            directory = folder / str(size)
            link(source, directory, size // NUM_WRITTEN)
            call = f"measure({str(directory)!r}, {_BATCHES.value})"
            code = f"import reader_memory; print(reader_memory.{call})"
            values = run_worker("-c", code)
            rows.append([f"{size:,}", *(f"{x:,.0f}" for x in values)])
    report.add_table(
        f"Peak of resident memory, MiB; {_SHAPE.value}, "
        f"{num_bytes / NUM_WRITTEN / 1000:,.1f} KB per clip",
        ["clips", *PEAKS, "clips/s"],
        rows,
    )


if __name__ == "__main__":
    program.run(main)
