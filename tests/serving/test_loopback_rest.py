"""Our stand-in's REST interface: what it says, as a real one would."""

import base64

import numpy as np
import pytest
import requests

from support.serving import ragged_clips
from support.serving.model_server import MODEL_NAME
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import draw_clips

pytestmark = pytest.mark.programs

INPUTS = draw_clips(3, 4, 2)


@pytest.fixture(scope="module")
def url(server):
    return f"http://{server.address('rest')}/v1/models/{MODEL_NAME}"


def as_lists(inputs):
    return {name: x.tolist() for name, x in inputs.items()}


def test_rows_and_columns_say_the_same_over_rest(url, model):
    columns = as_lists(INPUTS)
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


def test_a_context_is_in_every_example_over_rest(url, model):
    clip = ragged_clips.draw_ragged(1)[0]
    features = {
        name: {
            "b64": base64.b64encode(
                DESCRIPTION.modalities[name].encode(x)
            ).decode()
        }
        for name, x in clip.items()
    }
    document = {
        "signature_name": "classify",
        "context": {"audio": features["audio"]},
        "examples": [{"rgb": features["rgb"]}] * 2,
    }
    answer = requests.post(f"{url}:classify", json=document)
    first, second = answer.json()["results"]
    expected = ragged_clips.expect_probabilities(model, [clip])[0].max()
    assert first == second
    assert first[0][1] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "path, document, code, said",
    [
        (":predict", None, 400, "JSON Parse error: The document is empty"),
        (":predict", {}, 400, "Missing 'inputs' or 'instances' key"),
        (":predict", {"inputs": {}}, 400, "Missing named input: "),
        (":predict", {"instances": [{}]}, 400, "keys must be equal to: "),
        (
            ":predict",
            {"signature_name": "embed", "inputs": {}},
            400,
            'Serving signature name: "embed" not found',
        ),
        (
            ":predict",
            {"signature_name": "from_examples", "inputs": [["a"], "b"]},
            400,
            "found at incorrect level",
        ),
        (
            ":predict",
            {"signature_name": "from_examples", "inputs": [1]},
            400,
            "is not of expected type",
        ),
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
