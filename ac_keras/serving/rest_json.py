"""JSON as the REST interface of a model server has it."""

import base64
import json
import time
from typing import Any

import numpy as np
import tensorflow as tf

from ac_keras.serving.server_errors import StatusError

_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_PART_BYTES = 2**20


def read_answer(response: Any, end: float) -> dict:
    """Reads a streamed answer of `requests` to its end.

    Raises:
        TimeoutError: If the clock passes `end` before that.
        StatusError: If the answer is an error.
    """
    parts = []
    for part in response.iter_content(_PART_BYTES):
        parts.append(part)
        if time.monotonic() > end:
            raise TimeoutError("the answer was not complete in time")
    body = b"".join(parts)
    try:
        values = json.loads(body)
        said = values.get("error")
    except ValueError:  # somebody else's words, such as a proxy's
        said = body.decode(errors="replace") or response.reason
        said = f"HTTP {response.status_code}: {said}"
    if response.status_code == 200 and said is None:
        return values
    raise StatusError(_CODES.get(response.status_code, "UNKNOWN"), said)


def as_json(array: np.ndarray) -> list:
    """Gives an array as lists, bytes in base64."""
    if array.dtype != object:
        return array.tolist()
    return [_base64(value) for value in array]


def _base64(value):
    return {"b64": base64.b64encode(value).decode()}


def example_as_json(example: tf.train.Example) -> dict:
    """Gives an example's features by name."""
    features = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        values = getattr(feature, kind).value if kind else []
        if kind == "bytes_list":
            values = [_base64(value) for value in values]
        features[name] = list(values)
    return features
