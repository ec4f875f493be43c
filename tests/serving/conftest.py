"""SavedModels, each run once in one process for all tests."""

import pickle
import types

import keras
import pytest

from ac_keras import serving
from support.artefacts import artefact
from support.requests import good_requests
from support.serving import model_server
from support.serving.recorded_requests import outputs_of
from support.serving.recorded_requests import predict_log
from support.serving.recorded_requests import replay
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import draw_clips
from support.serving.served_classifier import make_classifier

DENSE_SIGNATURES = ("serving_default", "attention")
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

    def export(folder):
        serving.export_saved_model(model, folder, DESCRIPTION, top_k=3)

    return artefact(tmp_path_factory, "saved_model", export) / "1"


@pytest.fixture(scope="session")
def exported_models(model, tmp_path_factory):
    """The folders of SavedModels of `model`, for each description."""
    folder = artefact(
        tmp_path_factory,
        "saved_models",
        lambda folder: good_requests.export_models(model, folder),
    )
    return {name: folder / name / "1" for name in good_requests.DESCRIPTIONS}


@pytest.fixture(scope="session")
def loaded(model, tmp_path_factory):
    """`model`, from its `.keras` file."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return keras.models.load_model(path)


@pytest.fixture(scope="session")
def served(model, loaded, version, tmp_path_factory):
    """By job: the `inputs` of a SavedModel, its replies and `signatures`."""

    def make(folder):
        jobs = make_served(folder, model, loaded, version)
        (folder / "jobs.pickle").write_bytes(pickle.dumps(jobs))

    folder = artefact(tmp_path_factory, "served_jobs", make)
    return pickle.loads((folder / "jobs.pickle").read_bytes())


def make_served(folder, model, loaded, version):
    inputs = {name: draw_clips(*sizes) for name, sizes in BATCHES.items()}
    versions = dict.fromkeys(BATCHES, version)
    for name, source, top_k in (
        ("all_classes", model, 99),
        ("loaded", loaded, 3),
        ("mixed_bfloat16", mixed_classifier(), 3),
    ):
        inputs[name] = inputs["five_clips"]
        versions[name] = serving.export_saved_model(
            source, folder / "versions" / name, DESCRIPTION, top_k=top_k
        )
    jobs = {
        name: (
            versions[name],
            [predict_log(key, inputs[name]) for key in DENSE_SIGNATURES],
        )
        for name in versions
    }
    replies, signatures = replay(folder, jobs)
    return {
        name: types.SimpleNamespace(
            inputs=inputs[name],
            **dict(zip(DENSE_SIGNATURES, map(outputs_of, logs), strict=True)),
            signatures=signatures[name],
        )
        for name, logs in replies.items()
    }


def mixed_classifier():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return make_classifier()
    finally:
        keras.config.set_dtype_policy(before)


@pytest.fixture(scope="session")
def versions(version):
    """The folder that a server is told to serve."""
    return version.parent


@pytest.fixture(scope="session")
def server(versions):
    """A server's process with that SavedModel."""
    with model_server.serve(versions) as server:
        yield server
