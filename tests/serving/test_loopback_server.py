"""Our stand-in for a model server: its answers are those of a real one."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import requests

from support.programs import environment
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


def test_a_newer_version_takes_over(versions, tmp_path):
    folder = tmp_path / "versions"
    copy = ["cp", "-r", f"{versions}/1"]
    folder.mkdir()
    subprocess.run([*copy, folder / "1"], check=True)
    with model_server.serve(folder) as server:
        url = f"http://{server.address('rest')}/v1/models/{MODEL_NAME}"
        subprocess.run([*copy, tmp_path / "partial"], check=True)
        (tmp_path / "partial").rename(folder / "2")
        states, end = {}, time.monotonic() + model_server.START_SECONDS
        while states.get("2") != "AVAILABLE" and time.monotonic() < end:
            answer = requests.get(url).json()["model_version_status"]
            states = {x["version"]: x["state"] for x in answer}
        assert states == {"1": "END", "2": "AVAILABLE"}
        assert requests.get(f"{url}/versions/1/metadata").status_code == 404


def test_it_ends_with_its_standard_input(versions):
    command = [sys.executable, STAND_IN, "--model_name=a"]
    result = subprocess.run(
        [*command, f"--model_base_path={versions}"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(result.stdout)) == {"port", "rest_api_port"}


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


RECORDS_OF_NUMBERS = {
    "signature_name": "from_examples",
    "inputs": {"examples": [1]},
}
UNKNOWN_SIGNATURE = {"signature_name": "embed", "inputs": {}}


@pytest.mark.parametrize(
    "path, document, code, said",
    [
        (":predict", None, 400, "JSON Parse error: The document is empty"),
        (":predict", {}, 400, "Missing 'inputs' or 'instances' key"),
        (":predict", {"inputs": {}}, 400, "Missing named input: "),
        (":predict", {"instances": [{}]}, 400, "keys must be equal to: "),
        (":predict", UNKNOWN_SIGNATURE, 400, 'name: "embed" not found'),
        (":predict", RECORDS_OF_NUMBERS, 400, "is not of expected type"),
        (":classify", {"signature_name": "classify"}, 400, "key 'examples'"),
        (":embed", {}, 400, "Malformed request: POST"),
        ("/versions/5:predict", {"inputs": {}}, 404, "Servable not found"),
    ],
)
def test_rest_errors_have_the_codes_of_a_real_server(
    path, document, code, said, url
):
    answer = requests.post(url + path, json=document)
    assert answer.status_code == code
    assert said in answer.json()["error"]
