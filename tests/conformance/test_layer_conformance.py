"""Every layer and classifier, on every installed Keras backend."""

import dataclasses
import importlib.util
import pathlib

import keras
import numpy as np
import pytest

from ac_keras import layers
from support.conformance.layer_cases import CASES
from support.conformance.layer_checks import CHECKS
from support.conformance.layer_checks import run_checks
from support.conformance.other_backend import save
from support.programs import run_program
from support.programs import run_python

FOLDER = pathlib.Path(__file__).parents[1] / "support" / "conformance"
OTHERS = {"tensorflow", "jax", "torch"} - {keras.backend.backend()}


def assert_succeeded(process):
    assert process.returncode == 0, process.stdout + process.stderr[-2000:]
    assert all(f"\n{layer}" in f"\n{process.stdout}" for layer in CASES)


@pytest.mark.programs
@pytest.mark.versions
@pytest.mark.parametrize("backend", sorted(OTHERS))
def test_every_layer_passes_every_check_on_another_backend(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"backend not installed: {backend}")
    save(tmp_path)
    env = {"KERAS_BACKEND": backend}
    process = run_python(FOLDER / "other_backend.py", tmp_path, env=env)
    assert_succeeded(process)
    assert process.stdout.startswith(backend)


@pytest.mark.programs
@pytest.mark.versions
def test_two_replicas_equal_one():
    assert_succeeded(run_program(FOLDER / "two_replicas.py"))


def test_no_layer_is_left_out():
    listed = {type(case.make("float32")).__name__ for case in CASES.values()}
    # Those are for any tensor, not for frames, and have tests of their own.
    listed.remove("ClipClassifier")
    assert listed == set(layers.__all__) - {"ByteDropout", "WideDense"}


@pytest.mark.versions
@pytest.mark.parametrize("name", CASES)
def test_a_layer_passes_every_check(name):
    failures = run_checks({name: CASES[name]})
    assert not failures, "\n".join(failures.values())


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
        scores=None,
    )
    names = ("reference", "symbolic", "compiled", "mixed_float16")
    checks = {name: CHECKS[name] for name in names}
    failures = run_checks({"zeros": zeros}, checks)
    assert set(failures) == {("zeros", name) for name in names}


def test_nan_would_fail_a_check():
    checks = {"nan": (lambda case: float(np.nan), 1.0)}
    failures = run_checks({"any": None}, checks)
    assert failures
