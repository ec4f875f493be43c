"""The versions of a model and their signatures, as a C++ server runs them.

A part of the stand-in of `loopback_server.py`.
"""

import pathlib
import threading

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

AVAILABLE, END = "AVAILABLE", "END"
DEFAULT_SIGNATURE = "serving_default"
_INT_FIELDS = ("int8", "uint8", "int16", "uint16", "int32")


class ServingError(Exception):
    """A status that is not OK, by the name of its code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_argument(message):
    return ServingError("INVALID_ARGUMENT", message)


class LoadedVersion:
    """A SavedModel in its own session."""

    def __init__(self, path):
        v1 = tf.compat.v1
        graph = tf.Graph()
        with graph.as_default():
            self._session = v1.Session(graph=graph)
            self.meta_graph = v1.saved_model.loader.load(
                self._session, [tf.saved_model.SERVING], str(path)
            )
        self.signatures = self.meta_graph.signature_def
        self._callables = {}
        self._lock = threading.Lock()

    def close(self):
        self._session.close()

    def run(self, feed_names, fetch_names, arrays):
        """Runs tensors by their names in the graph.

        Not through Session.run, whose shape checks a C++ session lacks: a
        wrong shape must reach the graph.
        """
        key = (tuple(feed_names), tuple(fetch_names))
        with self._lock:
            if key not in self._callables:
                options = config_pb2.CallableOptions(
                    feed=feed_names, fetch=fetch_names
                )
                made = self._session._make_callable_from_options(options)
                self._callables[key] = made
        try:
            return self._callables[key](*arrays)
        except tf.errors.OpError as error:
            codes = {v: k for k, v in vars(tf.errors).items() if k.isupper()}
            raise ServingError(codes[error.error_code], error.message) from None
        except UnicodeDecodeError as error:  # a message that quotes bytes
            said = error.object.decode(errors="replace")
            raise invalid_argument(said) from None


class Model:
    """The newest version under a folder, and what became of the others."""

    def __init__(self, name, base_path):
        self.name = name
        self.states = {}  # by version
        self._base_path = pathlib.Path(base_path)
        self._loaded = {}

    def poll(self):
        """Loads the newest version if that has not been done."""
        numbers = [
            int(path.name)
            for path in self._base_path.iterdir()
            if path.name.isdecimal()
        ]
        newest = max(numbers, default=None)
        if newest is None or newest in self.states:
            return
        try:
            loaded = LoadedVersion(self._base_path / str(newest))
        except Exception:  # a version that fails to load is not served
            self.states = {**self.states, newest: END}
            raise
        self._loaded = {newest: loaded}
        ended = dict.fromkeys(self.states, END)
        self.states = {**ended, newest: AVAILABLE}

    def find(self, name, version=None):
        """Returns the number and the `LoadedVersion` that a request names."""
        loaded = self._loaded
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        number = max(loaded, default=None) if version is None else version
        if name != self.name or number not in loaded:
            wanted = "Latest" if version is None else f"Version {version}"
            raise ServingError(
                "NOT_FOUND", f"Servable not found for request: {wanted}({name})"
            )
        return number, loaded[number]

    def list_states(self, name, version=None):
        """Returns the states of one version or of all."""
        if name == self.name and version is None and self.states:
            return dict(sorted(self.states.items()))
        if name == self.name and version in self.states:
            return {version: self.states[version]}
        wanted = "any versions" if version is None else f"version {version}"
        raise ServingError(
            "NOT_FOUND", f"Could not find {wanted} of model {name}"
        )


def run_predict(
    version,
    signature_name,
    inputs,
    output_filter=(),
    read_tensor=tf.make_ndarray,
):
    """Runs a signature; inputs and outputs are protos by name."""
    name = signature_name or DEFAULT_SIGNATURE
    if name not in version.signatures:
        raise ServingError(
            "FAILED_PRECONDITION", f'Serving signature key "{name}" not found.'
        )
    signature = version.signatures[name]
    _check_names(set(inputs), set(signature.inputs))
    arrays = [
        _array(alias, inputs[alias], read_tensor) for alias in signature.inputs
    ]
    if len(set(output_filter)) < len(output_filter):
        raise invalid_argument("duplicate output tensor alias")
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias}"
            )
    aliases = list(output_filter) or list(signature.outputs)
    results = version.run(
        [signature.inputs[alias].name for alias in signature.inputs],
        [signature.outputs[alias].name for alias in aliases],
        arrays,
    )
    return dict(zip(aliases, map(make_proto, results), strict=True))


def run_classify(version, signature_name, examples):
    """Returns classes and scores `(batch, k)` of serialized examples."""
    name = signature_name or DEFAULT_SIGNATURE
    if name not in version.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    signature = version.signatures[name]
    if set(signature.inputs) != {"inputs"}:
        raise invalid_argument("Expected one input Tensor, named inputs.")
    if set(signature.outputs) != {"classes", "scores"}:
        raise invalid_argument("Expected outputs of classes and scores.")
    if not examples:
        raise invalid_argument("Input is empty.")
    return version.run(
        [signature.inputs["inputs"].name],
        [signature.outputs[alias].name for alias in ("classes", "scores")],
        [np.array(examples, object)],
    )


def serialized_examples(proto):
    """Returns the examples of an `Input`, each with the context before it."""
    kind = proto.WhichOneof("kind")
    if kind is None:
        return []
    context = b""
    if kind == "example_list_with_context":
        context = proto.example_list_with_context.context.SerializeToString()
    examples = getattr(proto, kind).examples
    return [context + x.SerializeToString() for x in examples]


def fill_result(result, classes, scores):
    """Fills a `ClassificationResult` with names and scores `(batch, k)`."""
    for names, values in zip(classes, scores, strict=True):
        clip = result.classifications.add()
        for name, value in zip(names, values, strict=True):
            clip.classes.add(label=name.decode(), score=value)


def make_proto(array):
    """A proto whose values are a list, as those of the server are."""
    dtype = tf.as_dtype(array.dtype)
    proto = tf.make_tensor_proto(np.zeros(0, dtype.as_numpy_dtype), dtype)
    proto.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
    field = "string" if dtype == tf.string else dtype.name
    field = {"float32": "float", "float64": "double"}.get(field, field)
    field = "int" if field in _INT_FIELDS else field
    getattr(proto, f"{field}_val").extend(array.ravel().tolist())
    return proto


def _check_names(sent, required):
    if len(sent) != len(required):
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!="
            f"{len(required)}. Sent extra: {sorted(sent - required)}. Missing "
            f"but required: {sorted(required - sent)}."
        )
    if sent != required:
        raise invalid_argument(
            f"input tensor alias not found: {sorted(required - sent)}"
        )


def _array(alias, proto, read_tensor):
    try:
        return read_tensor(proto)
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        raise invalid_argument(f"tensor parsing error: {alias}") from None
