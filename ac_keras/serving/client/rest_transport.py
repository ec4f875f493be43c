"""Calls of a model server over REST."""

import base64
import functools
import json
import operator
import threading
import time
import urllib.parse
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from ac_keras.serving.client.errors import StatusError
from ac_keras.serving.client.messages import ServedSignature
from ac_keras.serving.client.messages import read_signatures

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


class RestTransport:
    """A server's REST interface.

    Args:
        address: `host:port`, or a URL that may begin with `https://`.
        model: The model's name.
        version: Its version; None takes the newest.
        credentials: Path of the certificates to trust with `https://`; None
            trusts those of `requests`.

    Raises:
        ValueError: If the credentials are not a path of an `https://` address.
    """

    def __init__(
        self,
        address: str,
        model: str,
        version: int | None,
        credentials: str | None,
    ):
        url = address if "://" in address else f"http://{address}"
        usable = isinstance(credentials, str) and url.startswith("https://")
        if credentials is not None and not usable:
            raise ValueError(
                "Client expects credentials with protocol='rest' as the path "
                "of certificates to trust, with an address of https://. "
                f"Received: address={address!r}, credentials={credentials!r}. "
                "Pass both or no credentials."
            )
        name = urllib.parse.quote(model, safe="")
        self._url = f"{url.rstrip('/')}/v1/models/{name}"
        if version is not None:
            self._url += f"/versions/{version}"
        self._trusted = True if credentials is None else credentials
        self._local = threading.local()
        self._sessions, self._lock = [], threading.Lock()

    def predict(
        self,
        signature: ServedSignature,
        inputs: Mapping[str, np.ndarray],
        timeout: float,
    ) -> dict[str, np.ndarray]:
        """Calls a signature once; returns strings as `str`."""
        empty = [name for name, x in inputs.items() if not x.size]
        if empty:  # JSON has no shape for an empty list
            raise StatusError(
                "INVALID_ARGUMENT", f"no frames for {empty}, which needs gRPC"
            )
        document = {
            "signature_name": signature.name,
            "inputs": {
                name: [_base64(y) for y in x]
                if x.dtype == object
                else x.tolist()
                for name, x in inputs.items()
            },
        }
        answer = self._ask(":predict", timeout, ["outputs"], document)
        if len(signature.outputs) == 1:  # REST omits the name
            answer = {name: answer for name in signature.outputs}
        return {
            name: np.array(values, signature.outputs[name].dtype.as_numpy_dtype)
            for name, values in answer.items()
        }

    def classify(
        self,
        signature: ServedSignature,
        examples: Sequence[tf.train.Example],
        timeout: float,
    ) -> dict[str, np.ndarray]:
        """Returns `classes` and `scores`, each `(batch, top_k)`."""
        document = {
            "signature_name": signature.name,
            "examples": [_example_as_json(example) for example in examples],
        }
        rows = self._ask(":classify", timeout, ["results"], document)
        classes = [[name for name, _ in row] for row in rows]
        scores = [[score for _, score in row] for row in rows]
        return {
            "classes": np.array(classes, object),
            "scores": np.array(scores, np.float32),
        }

    def read_signatures(self, timeout: float) -> dict[str, ServedSignature]:
        """Returns the model's signatures by name."""
        keys = ["metadata", "signature_def", "signature_def"]
        values = self._ask("/metadata", timeout, keys)
        return read_signatures(
            {
                name: json_format.ParseDict(
                    value, SignatureDef(), ignore_unknown_fields=True
                )
                for name, value in values.items()
            }
        )

    def read_states(self, timeout: float) -> dict[int, str]:
        """Returns the state of the version, or of all, by number."""
        states = self._ask("", timeout, ["model_version_status"])
        return {int(x["version"]): x["state"] for x in states}

    def close(self) -> None:
        """Ends the connections."""
        with self._lock:
            for session in self._sessions:
                session.close()

    def _session(self):
        """Returns the thread's session; sessions are not thread-safe."""
        import requests

        if not hasattr(self._local, "session"):
            session = self._local.session = requests.Session()
            with self._lock:
                self._sessions.append(session)
        return self._local.session

    def _ask(self, path, timeout, keys, document=None):
        import requests

        end = time.monotonic() + timeout
        method = "GET" if document is None else "POST"
        body = None if document is None else json.dumps(document).encode()
        try:
            with self._session().request(
                method,
                self._url + path,
                data=body,
                headers={"Content-Type": "application/json"},
                # Limits each wait; `end` limits all of them.
                timeout=max(end - time.monotonic(), 0.001),
                allow_redirects=False,
                stream=True,
                # Not in the session: REQUESTS_CA_BUNDLE would override it.
                verify=self._trusted,
            ) as response:
                return _read_answer(response, end, keys)
        except (requests.Timeout, TimeoutError) as error:
            raise StatusError("DEADLINE_EXCEEDED", str(error)) from error
        except requests.exceptions.SSLError as error:
            raise StatusError("UNAUTHENTICATED", str(error)) from error
        except (
            requests.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            # Requests raises these for a slow body, too.
            late = time.monotonic() >= end
            code = "DEADLINE_EXCEEDED" if late else "UNAVAILABLE"
            raise StatusError(code, str(error)) from error


def _read_answer(response: Any, end: float, keys: Sequence[str]) -> Any:
    """Reads the values at a path of keys in a streamed answer, until `end`."""
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
        details = values["error"]
    except (KeyError, TypeError, ValueError):  # of a proxy, for example
        details = body.decode(errors="replace") or response.reason
        details = f"HTTP {code}: {details}"
    raise StatusError(_CODES.get(code, "UNKNOWN"), details)


def _base64(value):
    return {"b64": base64.b64encode(value).decode()}


def _example_as_json(example: tf.train.Example) -> dict:
    """Returns an example's features by name."""
    features = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        values = getattr(feature, kind).value if kind else []
        if kind == "bytes_list":
            values = [_base64(value) for value in values]
        features[name] = list(values)
    return features
