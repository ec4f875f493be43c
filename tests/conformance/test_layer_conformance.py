"""Every layer, on every Keras backend that is installed."""

import dataclasses
import importlib.util
import pathlib

import keras
import numpy as np
import pytest

from ac_keras import layers
from support.conformance.layer_cases import CASES
from support.conformance.layer_checks import CHECKS
from support.conformance.layer_table import run_checks
from support.conformance.saved_weights import save
from support.programs import run_program
from support.programs import run_python

BACKENDS = ("tensorflow", "jax", "torch")
FOLDER = pathlib.Path(__file__).parents[1] / "support" / "conformance"


def if_installed(backend):
    missing = importlib.util.find_spec(backend) is None
    reason = f"backend not installed: {backend}"
    return pytest.param(
        backend, marks=pytest.mark.skipif(missing, reason=reason)
    )


def run_on(backend, name, *arguments):
    """Runs a program of this folder on a backend."""
    start = run_program if backend == "tensorflow" else run_python
    env = {"KERAS_BACKEND": backend}
    return start(FOLDER / name, *arguments, env=env)


def assert_succeeded(process):
    assert process.returncode == 0, process.stdout + process.stderr[-2000:]


@pytest.mark.programs
@pytest.mark.versions
@pytest.mark.parametrize("backend", map(if_installed, BACKENDS))
def test_every_layer_passes_every_check(backend):
    process = run_on(backend, "layer_table.py")
    assert_succeeded(process)
    assert f"{backend} backend" in process.stdout
    assert all(f"| {layer} |" in process.stdout for layer in CASES)


@pytest.mark.programs
@pytest.mark.versions
@pytest.mark.parametrize(
    "backend",
    [if_installed(x) for x in BACKENDS if x != keras.backend.backend()],
)
def test_saved_weights_give_the_same_output_under_another_backend(
    backend, tmp_path
):
    save(tmp_path)
    process = run_on(backend, "saved_weights.py", "compare", tmp_path)
    assert_succeeded(process)


@pytest.mark.programs
@pytest.mark.versions
def test_two_replicas_equal_one():
    process = run_on("tensorflow", "replica_table.py")
    assert_succeeded(process)
    assert all(f"| {layer} |" in process.stdout for layer in CASES)


def test_no_layer_is_left_out():
    listed = {type(case.make("float32")).__name__ for case in CASES.values()}
    # Those are for any tensor, not for frames, and have tests of their own.
    assert listed == set(layers.__all__) - {"ByteDropout", "WideDense"}


class Zeros(keras.layers.Layer):
    """A layer of the right output shape and nothing else."""

    supports_masking = True

    def call(self, frames, mask=None):
        return keras.ops.zeros_like(keras.ops.tile(frames[:, 0], (1, 3)))


def test_zeros_would_fail_every_check_of_numbers():
    case = CASES["AttentionCluster fc1"]
    units = case.make_randomly()
    zeros = dataclasses.replace(
        case,
        make=lambda dtype: Zeros(dtype=dtype),
        read_weights=lambda layer: case.read_weights(units),
    )
    names = ("reference", "symbolic", "compiled", "mixed_float16")
    checks = {name: CHECKS[name] for name in names}
    _, failures = run_checks({"zeros": zeros}, checks)
    assert set(failures) == {("zeros", name) for name in names}


def test_nan_would_fail_a_check():
    checks = {"nan": (lambda case: float(np.nan), 1.0)}
    _, failures = run_checks({"any": None}, checks)
    assert failures
