"""The REST interface of the stand-in of `loopback_server.py`."""

import base64
import contextlib
import http.server
import json
import re

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2

from support.serving.loopback_model import DEFAULT_SIGNATURE
from support.serving.loopback_model import ServingError
from support.serving.loopback_model import invalid_argument
from support.serving.loopback_model import run_classify
from support.serving.loopback_model import run_predict

POST_PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+))?:(classify|predict)"
)
GET_PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+))?(?:/(metadata))?"
)
HTTP_CODES = {  # 500 is for all others
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}
EXAMPLE_LISTS = {bytes: "bytes_list", float: "float_list", int: "int64_list"}


class RestHandler(http.server.BaseHTTPRequestHandler):
    """Answers for `model`, which a subclass has."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    model = None

    def do_GET(self):
        self._answer(GET_PATH, self._describe)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self._answer(POST_PATH, lambda *parts: self._run(body, *parts))

    def log_message(self, *arguments):
        """Logs nothing."""

    def _answer(self, pattern, method):
        match = pattern.fullmatch(self.path)
        try:
            if not match:
                raise invalid_argument(
                    f"Malformed request: {self.command} {self.path}"
                )
            name, version, what = match.groups()
            version = None if version is None else int(version)
            code, values = 200, method(name, version, what)
        except ServingError as error:
            code = HTTP_CODES.get(error.code, 500)
            values = {"error": error.message}
        body = json.dumps(values).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            self.end_headers()
            self.wfile.write(body)

    def _describe(self, name, version, what):
        if what != "metadata":
            states = self.model.list_states(name, version)
            return as_dict(make_status(states))
        number, loaded = self.model.find(name, version)
        return {
            "model_spec": {"name": name, "version": str(number)},
            "metadata": {"signature_def": as_dict(make_metadata(loaded))},
        }

    def _run(self, body, name, version, what):
        document = parse_request(body)
        signature_name = document.get("signature_name", "")
        if what == "classify":
            return self._classify(document, name, version, signature_name)
        _, loaded = self.model.find(name, version)
        key = signature_name or DEFAULT_SIGNATURE
        if key not in loaded.signatures:
            raise invalid_argument(
                f'Serving signature name: "{key}" not found in signature def'
            )
        infos = dict(loaded.signatures[key].inputs)
        inputs, has_rows = predict_inputs(document, infos)
        outputs = run_predict(loaded, key, inputs)
        return predict_response(outputs, has_rows)

    def _classify(self, document, name, version, signature_name):
        if not document.get("examples"):
            raise invalid_argument(
                "When method is classify, key 'examples' is expected and was "
                "not found"
            )
        examples = [make_example(example) for example in document["examples"]]
        _, loaded = self.model.find(name, version)
        classes, scores = run_classify(loaded, signature_name, examples)
        rows = zip(classes, scores.tolist(), strict=True)
        return {
            "results": [
                [[x.decode(), y] for x, y in zip(*row, strict=True)]
                for row in rows
            ]
        }


def make_status(states):
    """Returns the proto of versions' states."""
    return get_model_status_pb2.GetModelStatusResponse(
        model_version_status=[
            get_model_status_pb2.ModelVersionStatus(
                version=version, state=state, status={}
            )
            for version, state in states.items()
        ]
    )


def make_metadata(loaded):
    """Returns the proto of a version's signatures."""
    return get_model_metadata_pb2.SignatureDefMap(
        signature_def=dict(loaded.signatures)
    )


def as_dict(proto):
    return json_format.MessageToDict(proto, preserving_proto_field_name=True)


def predict_response(protos, has_rows):
    """JSON values of the outputs, by row or by name."""
    columns = {
        name: as_json(tf.make_ndarray(proto)) for name, proto in protos.items()
    }
    if not has_rows:
        return {"outputs": columns}
    rows = zip(*columns.values(), strict=True)
    return {
        "predictions": [dict(zip(columns, row, strict=True)) for row in rows]
    }


def as_json(array):
    if array.dtype == object:
        array = np.char.decode(array.astype("S"), "utf-8")
    return array.tolist()


def parse_request(body):
    """Parses a request to a dict."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        return json.loads(body)
    except ValueError as error:
        raise invalid_argument(f"JSON Parse error: {error}") from None


def predict_inputs(document, infos):
    """Returns protos by name, and whether the request has a row per clip."""
    has_rows = "instances" in document
    if has_rows == ("inputs" in document):
        raise invalid_argument(
            "Expecting only one of 'inputs' or 'instances' keys to exist"
            if has_rows
            else "Missing 'inputs' or 'instances' key"
        )
    values = as_columns(document, infos) if has_rows else document["inputs"]
    protos = {}
    for name, info in infos.items():
        if name not in values:
            raise invalid_argument(
                f"Missing named input: {name} in 'inputs' object."
            )
        protos[name] = make_tensor(values[name], tf.as_dtype(info.dtype))
    return protos, has_rows


def as_columns(document, infos):
    rows = document["instances"]
    for index, row in enumerate(rows):
        if set(row) != set(infos):
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON "
                f"object: {json.dumps(row)[:256]} keys must be equal to: "
                f"{','.join(sorted(infos))}"
            )
    return {name: [row[name] for row in rows] for name in infos}


def make_tensor(value, dtype):
    """A proto of nested lists of numbers, or of a list of strings."""
    try:
        if dtype == tf.string:
            value = [read_bytes(item) for item in value]
        array = np.array(value, dtype.as_numpy_dtype)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise invalid_argument(
            f"JSON Value: {json.dumps(value)[:256]} is not of expected type: "
            f"{dtype.name}"
        ) from None
    return tf.make_tensor_proto(array, dtype)


def read_bytes(value):
    if isinstance(value, str):
        return value.encode()
    return base64.b64decode(value["b64"], validate=True)


def make_example(features):
    """A serialized tf.Example of a JSON object."""
    example = tf.train.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, (dict, str)):
                value = read_bytes(value)
            getattr(feature, EXAMPLE_LISTS[type(value)]).value.append(value)
    return example.SerializeToString()
