"""Our stand-in for a model server: its answers are those of a real one."""

import shutil
import time

import numpy as np
import pytest
import requests

from support.serving import model_server
from support.serving.import_probe import imports_of
from support.serving.model_server import MODEL_NAME
from support.serving.model_server import STAND_IN
from support.serving.served_classifier import draw_clips

pytestmark = pytest.mark.programs

INPUTS = draw_clips(3, 4, 2)


@pytest.fixture(scope="module")
def url(server):
    return f"http://{server.address('rest')}/v1/models/{MODEL_NAME}"


def test_a_newer_version_takes_over(version, tmp_path):
    folder = tmp_path / "versions"
    shutil.copytree(version, folder / "1")
    with model_server.serve(folder) as server:
        url = f"http://{server.address('rest')}/v1/models/{MODEL_NAME}"
        shutil.copytree(version, tmp_path / "partial").rename(folder / "2")
        states, end = {}, time.monotonic() + model_server.START_SECONDS
        while states.get("2") != "AVAILABLE" and time.monotonic() < end:
            answer = requests.get(url).json()["model_version_status"]
            states = {x["version"]: x["state"] for x in answer}
        assert states == {"1": "END", "2": "AVAILABLE"}
        assert requests.get(f"{url}/versions/1/metadata").status_code == 404
    if model_server.find_binary() is None:  # It ends with its input.
        assert server.process.returncode == 0


def test_it_can_import_neither_ac_keras_nor_keras(tmp_path):
    assert imports_of(tmp_path, "grpc", STAND_IN) == "imported ['json']"


def test_rows_and_columns_say_the_same_over_rest(url, model):
    columns = {name: x.tolist() for name, x in INPUTS.items()}
    rows = [
        {name: values[index] for name, values in columns.items()}
        for index in range(3)
    ]
    by_column = requests.post(f"{url}:predict", json={"inputs": columns})
    by_row = requests.post(f"{url}:predict", json={"instances": rows})
    outputs = by_column.json()["outputs"]
    for index, prediction in enumerate(by_row.json()["predictions"]):
        assert prediction == {
            name: values[index] for name, values in outputs.items()
        }
    expected = model.predict_on_batch(INPUTS)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
