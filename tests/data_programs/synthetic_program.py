"""data/synthetic/prepare.py as users run it, but small, and what it writes."""

import pathlib
import subprocess
import sys

import numpy as np
import tensorflow as tf

from prepare_program import PIPE_BYTES
from prepare_program import environment

PROGRAM = (
    pathlib.Path(__file__).absolute().parents[2]
    / "data"
    / "synthetic"
    / "prepare.py"
)
NUM_CLASSES = 20
DIMS = {"rgb": 96, "audio": 32}
SMALL = {
    "num_classes": NUM_CLASSES,
    "modalities": "rgb:96:25,audio:32:10-25",
    "max_clips_per_class": 100,
    "min_clips_per_class": 5,
    "num_validation": 70,
    "num_test": 70,
    "clips_per_shard": 40,
}
# 100 / rank, rounded: the power law that ends at 5 has the exponent 1.
TRAIN_COUNTS = [100, 50, 33, 25, 20, 17, 14, 12, 11, 10]
TRAIN_COUNTS += [9, 8, 8, 7, 7, 6, 6, 6, 5, 5]
SIZES = {"train": sum(TRAIN_COUNTS), "validation": 70, "test": 70}


def command(directory, *arguments, **options):
    values = {"output_dir": directory, **SMALL, **options}
    flags = [f"--{name}={value}" for name, value in values.items()]
    return [sys.executable, str(PROGRAM), *flags, *arguments]


def run(directory, *arguments, preexec_fn=None, **options):
    """Runs the program to its end."""
    return subprocess.run(
        command(directory, *arguments, **options),
        env=environment(),
        preexec_fn=preexec_fn,
        capture_output=True,
        text=True,
    )


def run_well(directory, **options):
    result = run(directory, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def kill_at(text, directory):
    """Kills the program when it says so on its standard error."""
    with subprocess.Popen(
        command(directory),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pipesize=PIPE_BYTES,
        bufsize=0,
    ) as process:
        said = b""
        while not said.endswith(text.encode()):
            byte = process.stderr.read(1)
            assert byte, f"It never said {text!r} but {said.decode()}"
            said += byte
        process.kill()
    return process.returncode


def read_examples(directory, split, dtype="float16"):
    """Dicts of id, labels and each modality's frames, by protobuf alone."""
    paths = sorted(map(str, pathlib.Path(directory).glob(f"{split}-*")))
    clips = []
    for record in tf.data.TFRecordDataset(paths).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        clip = {
            name: np.frombuffer(
                feature[name].bytes_list.value[0], dtype
            ).reshape(-1, dim)
            for name, dim in DIMS.items()
        }
        clip["id"] = feature["id"].bytes_list.value[0].decode()
        clip["labels"] = list(feature["labels"].int64_list.value)
        clips.append(clip)
    return clips
