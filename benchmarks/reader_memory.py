"""Measures what reading a dataset takes of memory, whatever its size.

    python benchmarks/reader_memory.py --shape=kinetics_rgb

A thousand clips are written; links to their files stand for larger datasets,
whose manifests say what a million real clips' would. A process of its own
reads batches of training clips from each and tells its peak of resident
memory: after the imports, when the dataset is constructed, when the first
batch is there, which is when the shuffle buffer is full, and after many more.
Linux only.
"""

import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app
from absl import flags

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import training_batches

# Name: layout of a frame and frames in a clip, for each modality.
RGB = (Modality(1536, "float16"), 25)
SHAPES = {
    "small": {"rgb": (Modality(64, "float16"), 25)},
    "kinetics_rgb": {"rgb": RGB},
    "kinetics": {
        "rgb": RGB,
        "flow": RGB,
        "audio": (Modality(512, "float16"), 25),
    },
    "youtube8m": {
        "rgb": (Modality(1024, "uint8", (-2, 2)), 300),
        "audio": (Modality(128, "uint8", (-2, 2)), 300),
    },
}

_SHAPE = flags.DEFINE_enum("shape", "kinetics_rgb", list(SHAPES), "Of a clip.")
_SIZES = flags.DEFINE_list(
    "sizes", "1000,100000,1000000", "Clips of the datasets, thousands."
)
_BATCHES = flags.DEFINE_integer("batches", 200, "Read after the first one.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")
_MEASURE = flags.DEFINE_string(
    "measure", None, "Folder to read; the program starts itself with it."
)

BATCH_SIZE = 64
SAMPLE_SIZE = 20
WRITTEN = 1000  # clips
SHARDS = 4


def write(directory: str) -> Manifest:
    """Writes the clips that all datasets are links to."""
    shape = SHAPES[_SHAPE.value]
    description = Description(
        "memory",
        [f"class {i}" for i in range(400)],
        {name: modality for name, (modality, _) in shape.items()},
    )

    def clips_of(split, index):
        rng = np.random.default_rng(index)
        for number in range(WRITTEN // SHARDS):
            frames = {
                name: rng.random((num_frames, modality.dim), np.float32)
                for name, (modality, num_frames) in shape.items()
            }
            yield Clip(f"{index}-{number}", (number % 400,), frames)

    writer = DatasetWriter(directory, description, {"train": SHARDS})
    return writer.write(clips_of)


def repeat(source: Manifest, directory: pathlib.Path, times: int) -> None:
    """Makes a dataset of links to another's files, each some times."""
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


def peak_mb() -> float:
    """This process's peak of resident memory so far."""
    # Not getrusage, which starts from the parent's.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(directory: str) -> dict[str, float]:
    """Reads batches and gives the peaks on the way, in MiB."""
    peaks = {"imports": peak_mb()}
    manifest = Manifest.load(directory)
    batches = training_batches(
        manifest, batch_size=BATCH_SIZE, sample_size=SAMPLE_SIZE
    )
    iterator = iter(batches)
    peaks["constructed"] = peak_mb()
    next(iterator)
    peaks["first_batch"] = peak_mb()
    start = time.perf_counter()
    for _ in range(_BATCHES.value):
        next(iterator)
    seconds = time.perf_counter() - start
    peaks["all_batches"] = peak_mb()
    peaks["clips_per_second"] = _BATCHES.value * BATCH_SIZE / seconds
    return {name: round(value) for name, value in peaks.items()}


def measured_apart(directory: pathlib.Path) -> dict[str, float]:
    """Measures in a process of its own."""
    command = [sys.executable, __file__, f"--measure={directory}"]
    command += [f"--batches={_BATCHES.value}"]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def main(argv):
    del argv
    if _MEASURE.value:
        print(json.dumps(measure(_MEASURE.value)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        source = write(os.path.join(parent, "written"))
        num_bytes = sum(x.num_bytes for x in source.split("train").shards)
        print(f"{_SHAPE.value}: {num_bytes / WRITTEN / 1000:,.1f} KB a clip")
        for size in map(int, _SIZES.value):
            directory = pathlib.Path(parent, str(size))
            repeat(source, directory, size // WRITTEN)
            row = {"shape": _SHAPE.value, "clips": size}
            rows.append({**row, **measured_apart(directory)})
    print("| clips |", " | ".join(list(rows[0])[2:]), "|")
    print("|" + "---|" * (len(rows[0]) - 1))
    for row in rows:
        print("|", " | ".join(f"{x:,}" for x in list(row.values())[1:]), "|")
    if _OUTPUT.value:
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    app.run(main)
