"""Programs of this folder, which write arrays."""

import os
import pathlib
import subprocess
import sys

import numpy as np

import ac_keras

FOLDER = pathlib.Path(__file__).parent
PACKAGE = pathlib.Path(ac_keras.__file__).absolute().parents[1]


def arrays_of(program, folder):
    """Runs a program in a process of its own and gives its arrays."""
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    path = folder / "arrays.npz"
    result = subprocess.run(
        [sys.executable, FOLDER / program, path],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "CUDA_VISIBLE_DEVICES": "-1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return dict(np.load(path))
