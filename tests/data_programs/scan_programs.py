"""Programs of data/ as users run them."""

import os
import pathlib
import subprocess
import sys

import ac_keras

DATA = pathlib.Path(__file__).absolute().parents[2] / "data"


def run_prepare(dataset, *arguments, **options):
    """Runs data/DATASET/prepare.py to its end."""
    root = pathlib.Path(ac_keras.__file__).absolute().parents[1]
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    flags = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.run(
        [sys.executable, DATA / dataset / "prepare.py", *flags, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
        capture_output=True,
        text=True,
    )


def run_prepare_well(dataset, *arguments, **options):
    result = run_prepare(dataset, *arguments, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def refusal(dataset, *arguments, **options):
    """What a run says that must fail."""
    result = run_prepare(dataset, *arguments, **options)
    assert result.returncode != 0
    return result.stderr
