"""Starts the programs of trainers/ as a user does, in a process each."""

import json
import os
import pathlib
import subprocess
import sys

import ac_keras

TRAINERS = pathlib.Path(__file__).parents[2] / "trainers"
CASES_PROGRAM = pathlib.Path(__file__).with_name("program_cases.py")
PACKAGE = pathlib.Path(ac_keras.__file__).parents[1]  # installed or not


def environment():
    """This process's, ac_keras being found where it is found here.

    Without a GPU: on the CPU a seed decides every bit.
    """
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def run_python(*arguments, cwd):
    """Runs the same Python and waits; the exit status may be anything."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def run_program(name, *flags, cwd):
    """Runs a program of trainers/."""
    return run_python(TRAINERS / name, *flags, cwd=cwd)


def as_flags(values):
    return [f"--{name}={value}" for name, value in values.items()]


def output_of(result):
    """What a program printed, if it ended well."""
    assert result.returncode == 0, result.stderr[-4000:]
    return result.stdout


def run_cases(cases, cwd):
    """Runs programs, each `(name, flags, *files)`, forked from one process.

    Gives for each what `run_program` does, at a fraction of its time.
    """
    asked, given = cwd / "cases.json", cwd / "results.json"
    commands = [
        [str(TRAINERS / name), *as_flags(flags), *map(str, files)]
        for name, flags, *files in cases
    ]
    asked.write_text(json.dumps(commands))
    output_of(run_python(CASES_PROGRAM, asked, given, cwd=cwd))
    return [
        subprocess.CompletedProcess(command, *result)
        for command, result in zip(
            commands, json.loads(given.read_text()), strict=True
        )
    ]
