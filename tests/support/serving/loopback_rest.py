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

from support.serving import loopback_json
from support.serving import loopback_signatures
from support.serving.loopback_model import ServingError
from support.serving.loopback_model import invalid_argument

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
        """Says nothing."""

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
            "model_spec": {
                "name": name,
                "signature_name": "",
                "version": str(number),
            },
            "metadata": {"signature_def": as_dict(make_metadata(loaded))},
        }

    def _run(self, body, name, version, what):
        document = loopback_json.parse_request(body)
        signature_name = document.get("signature_name", "")
        if what == "classify":
            return self._classify(document, name, version, signature_name)
        _, loaded = self.model.find(name, version)
        key = signature_name or loopback_signatures.DEFAULT_SIGNATURE
        if key not in loaded.signatures:
            raise invalid_argument(
                f'Serving signature name: "{key}" not found in signature def'
            )
        infos = dict(loaded.signatures[key].inputs)
        inputs, has_rows = loopback_json.predict_inputs(document, infos)
        outputs = loopback_signatures.run_predict(loaded, key, inputs)
        return predict_response(outputs, has_rows)

    def _classify(self, document, name, version, signature_name):
        if not document.get("examples"):
            raise invalid_argument(
                "When method is classify, key 'examples' is expected and was "
                "not found"
            )
        context = loopback_json.make_example(document.get("context", {}))
        examples = [
            context + loopback_json.make_example(example)
            for example in document["examples"]
        ]
        _, loaded = self.model.find(name, version)
        classes, scores = loopback_signatures.run_classify(
            loaded, signature_name, examples
        )
        rows = zip(classes, scores.tolist(), strict=True)
        return {
            "results": [
                [[x.decode(), y] for x, y in zip(*row, strict=True)]
                for row in rows
            ]
        }


def make_status(states):
    """Gives the proto of versions' states."""
    return get_model_status_pb2.GetModelStatusResponse(
        model_version_status=[
            get_model_status_pb2.ModelVersionStatus(
                version=version, state=state, status={}
            )
            for version, state in states.items()
        ]
    )


def make_metadata(loaded):
    """Gives the proto of a version's signatures."""
    return get_model_metadata_pb2.SignatureDefMap(
        signature_def=dict(loaded.signatures)
    )


def as_dict(proto):
    return json_format.MessageToDict(proto, preserving_proto_field_name=True)


def predict_response(protos, has_rows):
    """JSON values of the outputs, a single one without its name."""
    columns = {
        name: as_json(name, tf.make_ndarray(proto))
        for name, proto in protos.items()
    }
    if not has_rows:
        only = next(iter(columns.values()))
        return {"outputs": only if len(columns) == 1 else columns}
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    if len(names) == 1:
        return {"predictions": [row for (row,) in rows]}
    return {"predictions": [dict(zip(names, row, strict=True)) for row in rows]}


def as_json(name, array):
    if array.dtype != object:
        return array.tolist()
    if not name.endswith("_bytes"):
        return np.vectorize(bytes.decode, otypes="O")(array).tolist()
    coded = np.vectorize(base64.b64encode, otypes="O")(array)
    return np.vectorize(lambda x: {"b64": x.decode()}, otypes="O")(
        coded
    ).tolist()
