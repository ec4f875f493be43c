"""SavedModels, a server and its clients, each made once for all tests."""

import pytest

from ac_keras import serving
from support.artefacts import artefact
from support.requests import good_requests
from support.serving import model_server
from support.serving.model_server import MODEL_NAME
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import make_classifier


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
def versions(version):
    """The folder of the versions."""
    return version.parent


@pytest.fixture(scope="session")
def server(versions):
    """A server's process with that SavedModel."""
    with model_server.serve(versions) as server:
        yield server


@pytest.fixture(scope="module", params=["grpc", "rest"])
def protocol(request):
    return request.param


@pytest.fixture(scope="module")
def connect(server, protocol):
    """Makes a client of that server."""

    def make_client(model=MODEL_NAME, **settings):
        address = server.address(protocol)
        return serving.Client(address, model, protocol=protocol, **settings)

    return make_client


@pytest.fixture(scope="module")
def client(connect):
    with connect(batch_size=8, timeout=60) as client:
        yield client
