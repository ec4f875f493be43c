"""Checks every layer on the Keras backend that is set.

KERAS_BACKEND=jax python other_backend.py FOLDER

Runs every check, and compares with outputs that `save` wrote under another
backend. It prints the layers' names, and exits with 1 where a check fails.
"""

import pathlib
import sys

import keras
import numpy as np

from support.conformance.layer_cases import CASES
from support.conformance.layer_cases import as_float64
from support.conformance.layer_cases import largest_error
from support.conformance.layer_cases import make_model
from support.conformance.layer_checks import CHECKS
from support.conformance.layer_checks import run_checks


def paths_of(folder, case):
    (name,) = [name for name in CASES if CASES[name] is case]
    stem = pathlib.Path(folder) / name.replace(" ", "_")
    return stem.with_suffix(".weights.h5"), stem.with_suffix(".npy")


def save(folder):
    for case in CASES.values():
        model = make_model(case, case.make_randomly())
        weights, output = paths_of(folder, case)
        model.save_weights(weights)
        np.save(output, as_float64(model(case.inputs)))


def main(folder):
    def check_saved_weights(case):
        model = make_model(case, case.make("float32"))
        weights, output = paths_of(folder, case)
        model.load_weights(weights)
        return largest_error(model(case.inputs), np.load(output))

    checks = {**CHECKS, "saved weights": (check_saved_weights, 2e-6)}
    failures = run_checks(CASES, checks)
    print(keras.backend.backend(), *CASES, *failures.values(), sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
