"""SavedModels, each run once in one process for all tests."""

import json
import pathlib
import subprocess
import sys
import types

import keras
import numpy as np
import pytest

import model_server
from ac_keras import serving
from served_classifier import CLASS_NAMES
from served_classifier import draw_clips
from served_classifier import make_classifier

# Not for doctests, which would import two modules of this name.
collect_ignore = ["conftest.py"]
PROGRAM = pathlib.Path(__file__).with_name("plain_session.py")
BATCHES = {
    "one_clip": (1, 3, 2),
    "five_clips": (5, 9, 4),
    "long_clips": (2, 40, 1),
}


@pytest.fixture(scope="session")
def model():
    return make_classifier()


@pytest.fixture(scope="session")
def version(model, tmp_path_factory):
    """The folder of a SavedModel of `model`."""
    folder = tmp_path_factory.mktemp("served")
    return serving.export_saved_model(model, folder, CLASS_NAMES, top_k=3)


@pytest.fixture(scope="session")
def loaded(model, tmp_path_factory):
    """`model`, from its `.keras` file."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return keras.models.load_model(path)


@pytest.fixture(scope="session")
def served(model, loaded, version, tmp_path_factory):
    """By job: the `inputs` given to a SavedModel, `outputs`, `signature`."""
    folder = tmp_path_factory.mktemp("jobs")
    inputs = {name: draw_clips(*sizes) for name, sizes in BATCHES.items()}
    jobs = dict.fromkeys(BATCHES, version)
    for name, source, top_k in (
        ("all_classes", model, 99),
        ("loaded", loaded, 3),
        ("mixed_bfloat16", mixed_classifier(), 3),
    ):
        inputs[name] = inputs["five_clips"]
        jobs[name] = serving.export_saved_model(
            source, folder / "versions" / name, CLASS_NAMES, top_k=top_k
        )
    signatures = run_jobs(folder, jobs, inputs)
    return {
        name: types.SimpleNamespace(
            inputs=inputs[name],
            outputs=dict(np.load(folder / f"{name}.outputs.npz")),
            signature=signatures[name],
        )
        for name in jobs
    }


def mixed_classifier():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return make_classifier()
    finally:
        keras.config.set_dtype_policy(before)


def run_jobs(folder, jobs, inputs):
    paths = {name: str(path) for name, path in jobs.items()}
    (folder / "jobs.json").write_text(json.dumps(paths))
    for name in jobs:
        np.savez(folder / f"{name}.npz", **inputs[name])
    result = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads((folder / "signatures.json").read_text())


@pytest.fixture(scope="session")
def versions(version):
    """The folder that a server is told to serve."""
    return version.parent


@pytest.fixture(scope="session")
def server(versions):
    """A server's process with that SavedModel."""
    with model_server.serve(versions) as server:
        yield server
