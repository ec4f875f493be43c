"""Errors between a client and a model server."""

import re

_MAX_LENGTH = 1000  # characters of a server's message in an error
_MAX_PARSED = 20_000
_FIRST_ROOT_ERROR = re.compile(
    r"^\d+ root error\(s\) found\.\s*\(0\) (?:\w+: )?(.*?)(?=\n\s*\(1\)|\Z)",
    re.DOTALL,
)
# tf.debugging.Assert prints each tensor in brackets with one nested level.
_TENSOR = r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]"
_ASSERTION = re.compile(rf"assertion failed: (?:{_TENSOR}\s?)+")
_NODE = re.compile(r"\s*\[\[(?:\{\{[^{}]*\}\})+\]\]|\n[ \t]*\[\[[^\[\]\s]+\]\]")
_HINTS = {
    "INVALID_ARGUMENT": "Correct the request or omit the clip.",
    "NOT_FOUND": "Choose a model and a version that the server has.",
    "FAILED_PRECONDITION": "Choose a signature that the model has.",
    "UNAVAILABLE": "Check that the server runs and can be reached there.",
    "DEADLINE_EXCEEDED": "Send smaller batches or allow a longer timeout.",
    "RESOURCE_EXHAUSTED": "Send smaller batches.",
}


class StatusError(Exception):
    """A call's status other than OK.

    Attributes:
        code: Name of the gRPC status.
        details: Message of the server or the transport.
    """

    def __init__(self, code: str, details: str):
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details


class ServerError(RuntimeError):
    """Error of a model server that rejected a request or is unreachable.

    Attributes:
        code: Name of the gRPC status, such as `"INVALID_ARGUMENT"`, with
            both protocols.
    """

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code

    def __reduce__(self):
        return type(self), (str(self), self.code)


def explain(error: StatusError, expected: str) -> ServerError:
    """Builds an error of what was expected, received, and how to fix it.

    `expected` begins with "Expected" and has no full stop.
    """
    details = trim(error.details).rstrip(".")
    hint = _HINTS.get(error.code, "See the server's log.")
    return ServerError(
        f"{expected}. Received: {error.code}: {details}. {hint}", error.code
    )


def trim(text: str) -> str:
    """Removes the names of nodes and brackets that TensorFlow adds."""
    text = text[:_MAX_PARSED]
    root = _FIRST_ROOT_ERROR.match(text)
    text = root.group(1) if root else text
    text = " ".join(_NODE.sub("", text).split())
    if _ASSERTION.fullmatch(text):
        text = " ".join(re.findall(_TENSOR, text)).replace("\\'", "'")
    text = "".join(x if x.isprintable() else "?" for x in text)
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + " ..."
