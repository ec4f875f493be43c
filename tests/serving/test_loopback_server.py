"""Our stand-in for a model server: its answers are those of a real one."""

import json
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

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


@pytest.fixture(scope="module")
def stub(server):
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(server.address("grpc"), options) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict_request(inputs, model=MODEL_NAME, **spec):
    request = predict_pb2.PredictRequest(
        inputs={name: tf.make_tensor_proto(x) for name, x in inputs.items()}
    )
    request.model_spec.name = model
    request.model_spec.signature_name = spec.get("signature", "")
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    return request


def refusal_of(method, request):
    with pytest.raises(grpc.RpcError) as caught:
        method(request, timeout=60)
    return caught.value.code().name, caught.value.details()


WRONG = {  # a request, its code and a part of what is said
    "too few inputs": (
        predict_request({"rgb": INPUTS["rgb"]}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=4",
    ),
    "an unknown input": (
        predict_request({**INPUTS, "flow": np.ones(3)}),
        "INVALID_ARGUMENT",
        "Sent extra: {flow}. Missing but required: {}.",
    ),
    "another dtype": (
        predict_request({**INPUTS, "rgb": INPUTS["rgb"].astype("float64")}),
        "INVALID_ARGUMENT",
        "double",
    ),
    "an unknown signature": (
        predict_request(INPUTS, signature="embed"),
        "FAILED_PRECONDITION",
        'Serving signature key "embed" not found.',
    ),
    "an unknown model": (
        predict_request(INPUTS, model="other"),
        "NOT_FOUND",
        "Servable not found for request: Latest(other)",
    ),
    "an unknown version": (
        predict_request(INPUTS, version=5),
        "NOT_FOUND",
        f"Servable not found for request: Specific({MODEL_NAME}, 5)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_has_the_code_of_a_real_server(case, stub):
    request, code, said = WRONG[case]
    received = refusal_of(stub.Predict, request)
    assert received[0] == code
    assert said in received[1]


def test_a_wrong_shape_reaches_the_graph(stub):
    wrong = {**INPUTS, "rgb": INPUTS["rgb"][:, :, :4]}
    code, said = refusal_of(stub.Predict, predict_request(wrong))
    assert code == "INVALID_ARGUMENT"
    assert "Cannot feed value" not in said  # Session.run's own check
    assert "Expected" in said


def test_only_the_outputs_asked_for_come_back(stub):
    request = predict_request(INPUTS)
    request.output_filter.append("scores")
    assert set(stub.Predict(request, timeout=60).outputs) == {"scores"}


def test_classify_rejects_a_signature_of_frames_and_no_example(stub):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = MODEL_NAME
    request.model_spec.signature_name = "classify"
    assert refusal_of(stub.Classify, request) == (
        "INVALID_ARGUMENT",
        "Input is empty.",
    )
    request.model_spec.signature_name = "serving_default"
    request.input.example_list.examples.add()
    code, said = refusal_of(stub.Classify, request)
    assert code == "INVALID_ARGUMENT"
    assert "Expected one input Tensor" in said


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
