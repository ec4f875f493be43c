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
        document = json.loads(body)
        _, loaded = self.model.find(name, version)
        key = document.get("signature_name", DEFAULT_SIGNATURE)
        if what == "classify":
            examples = [make_example(x) for x in document["examples"]]
            batch = map(np.ndarray.tolist, run_classify(loaded, key, examples))
            return {
                "results": [
                    [[x.decode(), y] for x, y in zip(*row, strict=True)]
                    for row in zip(*batch, strict=True)
                ]
            }
        infos = loaded.signatures[key].inputs
        rows, columns = document.get("instances"), document.get("inputs")
        if rows:
            columns = {name: [row[name] for row in rows] for name in infos}
        protos = {
            name: make_tensor(value, tf.as_dtype(infos[name].dtype))
            for name, value in columns.items()
        }
        return predict_response(run_predict(loaded, key, protos), bool(rows))


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


def make_tensor(value, dtype):
    """A proto of nested lists of numbers, or of a list of strings."""
    if dtype == tf.string:
        value = list(map(read_bytes, value))
    return tf.make_tensor_proto(np.array(value, dtype.as_numpy_dtype), dtype)


def read_bytes(value):
    return base64.b64decode(value["b64"], validate=True)


def make_example(features):
    """A serialized tf.Example of a JSON object."""
    example = tf.train.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict):
                value = read_bytes(value)
            getattr(feature, EXAMPLE_LISTS[type(value)]).value.append(value)
    return example.SerializeToString()
