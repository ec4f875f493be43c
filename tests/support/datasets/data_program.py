"""A program of data/ as users run it, and the folder that it writes."""

import os
import pathlib
import signal
import subprocess

import numpy as np
import tensorflow as tf

from support.programs import DATA
from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program
from support.programs import start_python
from support.records.plain_records import folder_contents

# A line of progress that is longer than half of the pipe it is written to: a
# program that is not read stops within three lines, however fast it is.
LONG_LINES = {"TQDM_NCOLS": "3000", "TQDM_MININTERVAL": "0"}
PIPE_BYTES = 4096


def run_prepare(dataset, *arguments, cores=None, **options):
    """Runs data/DATASET/prepare.py to its end."""
    return run_program(
        DATA / dataset / "prepare.py",
        *as_flags(options),
        *arguments,
        cores=cores,
    )


def run_prepare_well(dataset, *arguments, **options):
    """Runs it to a good end, and returns its output."""
    return output_of(run_prepare(dataset, *arguments, **options))


def refusal(dataset, *arguments, **options):
    """Returns the errors of a run that must fail."""
    result = run_prepare(dataset, *arguments, **options)
    assert result.returncode != 0
    return result.stderr


def kill_prepare_at(text, dataset, **options):
    """Kills the program when it says so on its standard error."""
    # Not forked, as tqdm reads the environment when it is imported.
    with start_python(
        DATA / dataset / "prepare.py",
        *as_flags(options),
        env=LONG_LINES,
        stdout=subprocess.DEVNULL,
        pipesize=PIPE_BYTES,
    ) as process:
        said = b""
        while not said.endswith(text.encode()):
            # Without a buffer, which would let the program go on.
            byte = os.read(process.stderr.fileno(), 1)
            assert byte, f"It never said {text!r} but {said.decode()}"
            said += byte
        process.kill()
    assert process.returncode == -signal.SIGKILL


def differing_files(first, second):
    """Names of files that one folder lacks or has otherwise."""
    first, second = folder_contents(first), folder_contents(second)
    return sorted(
        name
        for name in first.keys() | second.keys()
        if first.get(name) != second.get(name)
    )


def read_clips(directory, split, dims, dtype="float16"):
    """Dicts of id, labels and each modality's frames, by protobuf alone."""
    paths = sorted(map(str, pathlib.Path(directory).glob(f"{split}-*")))
    clips = []
    for record in tf.data.TFRecordDataset(paths).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        clip = {
            name: np.frombuffer(
                feature[name].bytes_list.value[0], dtype
            ).reshape(-1, dim)
            for name, dim in dims.items()
        }
        clip["id"] = feature["id"].bytes_list.value[0].decode()
        clip["labels"] = list(feature["labels"].int64_list.value)
        clips.append(clip)
    return clips


def read_split(directory, split, dtype="float32"):
    """Ids, labels `(clips,)` and features `(clips, 25, 50)` of a split."""
    clips = read_clips(directory, split, {"rgb": 50}, dtype)
    labels = np.array([clip["labels"][0] for clip in clips])
    features = np.array([clip["rgb"] for clip in clips])
    return [clip["id"] for clip in clips], labels, features


def images_under(frames, images):
    """Indices of the images that lie, whole, on one of the frames."""
    frames = frames.reshape(len(frames), -1)
    under = [(frames >= image.ravel()).all(axis=1).any() for image in images]
    return np.flatnonzero(under)
