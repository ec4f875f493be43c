"""Programs of this folder, which write arrays."""

import pathlib

import numpy as np

from support.programs import output_of
from support.programs import run_program

FOLDER = pathlib.Path(__file__).parent


def arrays_of(program, folder):
    """Runs a program in a process of its own and gives its arrays."""
    path = folder / "arrays.npz"
    output_of(run_program(FOLDER / program, path))
    return dict(np.load(path))
