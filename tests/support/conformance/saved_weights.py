"""Weights saved under one Keras backend give the same outputs under another.

KERAS_BACKEND=tensorflow python saved_weights.py save FOLDER
KERAS_BACKEND=jax python saved_weights.py compare FOLDER
"""

import pathlib
import sys

import keras
import numpy as np

from support.conformance.layer_cases import CASES
from support.conformance.layer_cases import as_float64
from support.conformance.layer_cases import largest_error
from support.conformance.layer_cases import make_model
from support.conformance.layer_table import print_table

LIMIT = 2e-6


def paths_of(folder, name):
    stem = pathlib.Path(folder) / name.replace(" ", "_")
    return stem.with_suffix(".weights.h5"), stem.with_suffix(".npy")


def save(folder):
    for name, case in CASES.items():
        model = make_model(case, case.make_randomly())
        weights, output = paths_of(folder, name)
        model.save_weights(weights)
        np.save(output, as_float64(model(case.inputs)))


def compare(folder):
    """The largest error of each layer, from new layers with other weights."""
    errors = {}
    for name, case in CASES.items():
        model = make_model(case, case.make("float32"))
        weights, output = paths_of(folder, name)
        model.load_weights(weights)
        errors[name] = largest_error(model(case.inputs), np.load(output))
    return errors


def main(command, folder):
    if command == "save":
        save(folder)
        return 0
    errors = compare(folder)
    print(f"Saved weights, loaded under {keras.backend.backend()}\n")
    rows = [[name, f"{error:.1e}"] for name, error in errors.items()]
    print_table(rows, ["difference"])
    return 0 if max(errors.values()) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
