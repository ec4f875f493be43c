"""data/flash_mnist/prepare.py as users run it, but small."""

import os
import pathlib
import subprocess
import sys

import ac_keras

PROGRAM = (
    pathlib.Path(__file__).absolute().parents[2]
    / "data"
    / "flash_mnist"
    / "prepare.py"
)
SIZES = {"train": 340, "validation": 60, "test": 100}
NUM_SHARDS = {"train": 7, "validation": 2, "test": 2}
SMALL = {
    "num_train": 400,
    "num_validation": 60,
    "num_test": 100,
    "clips_per_shard": 50,
    "backgrounds": 1,
    "num_empty": 100,
}
# A line of progress that is longer than half of the pipe it is written to: a
# program that is not read stops within three lines, however fast it is.
LONG_LINES = {"TQDM_NCOLS": "3000", "TQDM_MININTERVAL": "0"}
PIPE_BYTES = 4096
# Of the weights, half written, and of a plan whose manifest is there already.
LEFT_BY_KILLS = [
    ".frame_cnn.weights.h5.4711.partial.weights.h5",
    "writing.json",
]


def environment():
    """Ours, with the folder of `ac_keras` on the path."""
    root = pathlib.Path(ac_keras.__file__).absolute().parents[1]
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    return {**os.environ, "PYTHONPATH": path, **LONG_LINES}


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
