"""JSON as the REST interface of a model server has it."""

import base64
import functools
import json
import operator
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ac_keras.serving.client.server_errors import StatusError

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


def read_answer(response: Any, end: float, keys: Sequence[str]) -> Any:
    """Reads a streamed answer of `requests` to its end.

    Args:
        response: The answer.
        end: The time, by the monotonic clock, to be done by.
        keys: Where in the answer's JSON the values are.

    Raises:
        TimeoutError: If they are not there by then.
        StatusError: If the answer is an error, or no model server's.
    """
    parts = []
    for part in response.iter_content(_PART_BYTES):
        parts.append(part)
        if time.monotonic() > end:
            raise TimeoutError("the answer was not complete in time")
    body, code = b"".join(parts), response.status_code
    try:
        values = json.loads(body)
        if code == 200:
            return functools.reduce(operator.getitem, keys, values)
        said = values["error"]
    except (KeyError, TypeError, ValueError):  # a proxy's words, or others
        said = body.decode(errors="replace") or response.reason
        said = f"HTTP {code}: {said}"
    raise StatusError(_CODES.get(code, "UNKNOWN"), said)


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
