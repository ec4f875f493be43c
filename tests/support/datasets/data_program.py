"""A program of data/ as users run it, but small."""

import os
import signal
import subprocess

from support.programs import DATA
from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program
from support.programs import start_python

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
