"""What can go wrong between a client and a model server."""

import re

_LONGEST = 1000  # characters of what a server said
_LOOKED_AT = 20_000
_FIRST_ROOT_ERROR = re.compile(
    r"^\d+ root error\(s\) found\.\s*\(0\) (?:\w+: )?(.*?)(?=\n\s*\(1\)|\Z)",
    re.DOTALL,
)
# Of tf.debugging.Assert: each tensor in brackets, one level of them inside.
_TENSOR = r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]"
_ASSERTION = re.compile(rf"assertion failed: (?:{_TENSOR}\s?)+")
_NODE = re.compile(r"\s*\[\[(?:\{\{[^{}]*\}\})+\]\]|\n[ \t]*\[\[[^\[\]\s]+\]\]")
_HINTS = {
    "INVALID_ARGUMENT": "Mend what was sent or leave it out.",
    "NOT_FOUND": "Name a model and a version that the server has.",
    "FAILED_PRECONDITION": "Name a signature that the model has.",
    "UNAVAILABLE": "See that the server runs and is reached at this address.",
    "DEADLINE_EXCEEDED": "Send smaller batches or allow a longer timeout.",
    "RESOURCE_EXHAUSTED": "Send smaller batches.",
}


class StatusError(Exception):
    """A call's status that is not OK: a code by name, and what was said."""

    def __init__(self, code: str, said: str):
        super().__init__(f"{code}: {said}")
        self.code = code
        self.said = said


class ServerError(RuntimeError):
    """A model server refused a request or was not reached.

    Attributes:
        code: The name of the gRPC status, such as `"INVALID_ARGUMENT"`, over
            either protocol.
    """

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code

    def __reduce__(self):
        return type(self), (str(self), self.code)


def explain(error: StatusError, expected: str) -> ServerError:
    """Puts what a server said behind what was expected of it.

    Args:
        error: The status.
        expected: A clause that begins with "Expected", without a full stop.
    """
    said = trim(error.said).rstrip(".")
    hint = _HINTS.get(error.code, "See what the server's log says.")
    return ServerError(
        f"{expected}. Received: {error.code}: {said}. {hint}", error.code
    )


def trim(said: str) -> str:
    """Leaves out the traces and brackets that TensorFlow adds."""
    said = said[:_LOOKED_AT]
    root = _FIRST_ROOT_ERROR.match(said)
    said = root.group(1) if root else said
    said = " ".join(_NODE.sub("", said).split())
    if _ASSERTION.fullmatch(said):
        said = " ".join(re.findall(_TENSOR, said)).replace("\\'", "'")
    said = "".join(x if x.isprintable() else "?" for x in said)
    return said if len(said) <= _LONGEST else said[:_LONGEST] + " ..."
