"""The REST interface of the stand-in of `loopback_server.py`."""

import base64
import binascii
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
EXAMPLE_LISTS = {"bytes_list": bytes, "float_list": float, "int64_list": int}


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
            "model_spec": {
                "name": name,
                "signature_name": "",
                "version": str(number),
            },
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
        context = make_example(document.get("context", {}))
        examples = [
            context + make_example(example) for example in document["examples"]
        ]
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

    def convert(value):
        if name.endswith("_bytes"):
            return {"b64": base64.b64encode(value).decode()}
        return value.decode()

    return np.vectorize(convert, otypes="O")(array).tolist()


def parse_request(body):
    """Parses a request to a dict."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except ValueError as error:
        raise invalid_argument(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {brief(document)} Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid_argument(
            f"JSON Value: {brief(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return document


def predict_inputs(document, infos):
    """Returns protos by name, and whether the request has a row per clip."""
    has_rows = "instances" in document
    if has_rows == ("inputs" in document):
        raise invalid_argument(
            "Expecting only one of 'inputs' or 'instances' keys to exist"
            if has_rows
            else "Missing 'inputs' or 'instances' key"
        )
    read = as_rows if has_rows else as_columns
    values = read(document["instances" if has_rows else "inputs"], infos)
    protos = {
        name: make_tensor(value, tf.as_dtype(infos[name].dtype))
        for name, value in values.items()
    }
    return protos, has_rows


def only_name(infos):
    if len(infos) > 1:
        raise invalid_argument(
            "Plain value or list, but expecting an object as multiple input "
            "tensors required as per tensorinfo_map"
        )
    return next(iter(infos))


def as_columns(inputs, infos):
    if is_plain(inputs):
        return {only_name(infos): inputs}
    for name in infos:
        if name not in inputs:
            raise invalid_argument(
                f"Missing named input: {name} in 'inputs' object."
            )
    return {name: inputs[name] for name in infos}


def as_rows(instances, infos):
    if not isinstance(instances, list) or not instances:
        raise invalid_argument("No values in 'instances' array")
    if is_plain(instances[0]):
        return {only_name(infos): instances}
    for index, row in enumerate(instances):
        if is_plain(row) or set(row) != set(infos):
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON "
                f"object: {brief(row)} keys must be equal to: "
                f"{','.join(sorted(infos))}"
            )
    return {name: [row[name] for row in instances] for name in infos}


def is_plain(value):
    return not isinstance(value, dict) or set(value) == {"b64"}


def make_tensor(value, dtype):
    """A proto of a value, or of nested lists of equal lengths."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    leaves = [leaf_of(leaf, dtype) for leaf in flatten(value, shape)]
    array = np.array(leaves, dtype.as_numpy_dtype).reshape(shape)
    return tf.make_tensor_proto(array, dtype)


def flatten(value, shape):
    """Yields the leaves of nested lists of this shape."""
    lengths = [len(value)] if isinstance(value, list) else []
    if lengths != shape[:1]:
        raise invalid_argument(f"{brief(value)} found at incorrect level")
    if not shape:
        yield value
    else:
        for item in value:
            yield from flatten(item, shape[1:])


def leaf_of(value, dtype):
    wanted = str if dtype == tf.string else (int, float)
    wanted = int if dtype.is_integer else wanted
    if dtype == tf.string and isinstance(value, dict) and is_plain(value):
        return decode_base64(value)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise invalid_argument(
            f"JSON Value: {brief(value)} Type: {type(value).__name__} is not "
            f"of expected type: {dtype.name}"
        )
    return value.encode() if isinstance(value, str) else value


def decode_base64(value):
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise invalid_argument("Unable to base64 decode") from None


def make_example(features):
    """A serialized tf.Example of a JSON object."""
    example = tf.train.Example()
    if not isinstance(features, dict):
        raise invalid_argument("Example must be JSON object")
    for name, values in features.items():
        feature = example.features.feature[name]
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str):
                value = value.encode()
            elif isinstance(value, dict) and is_plain(value):
                value = decode_base64(value)
            kinds = [k for k, x in EXAMPLE_LISTS.items() if type(value) is x]
            if not kinds or feature.WhichOneof("kind") not in (None, *kinds):
                raise invalid_argument(
                    f"Unexpected element type in feature: {name}"
                )
            getattr(feature, kinds[0]).value.append(value)
    return example.SerializeToString()


def brief(value):
    return json.dumps(value)[:256]
