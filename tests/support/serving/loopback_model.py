"""The versions of a model, run as the session of a C++ server runs them.

A part of the stand-in of `loopback_server.py`.
"""

import pathlib
import threading

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

AVAILABLE, END = "AVAILABLE", "END"


class ServingError(Exception):
    """A status that is not OK, by the name of its code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_argument(message):
    return ServingError("INVALID_ARGUMENT", message)


class LoadedVersion:
    """A SavedModel in a session of its own."""

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
        except Exception:  # whatever is wrong with it, it is not served
            self.states = {**self.states, newest: END}
            raise
        self._loaded = {newest: loaded}
        ended = dict.fromkeys(self.states, END)
        self.states = {**ended, newest: AVAILABLE}

    def find(self, name, version=None):
        """Gives the number and the `LoadedVersion` that a request names."""
        loaded = self._loaded
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        number = max(loaded, default=None) if version is None else version
        if name != self.name or number not in loaded:
            wanted = f"Specific({name}, {version})"
            wanted = f"Latest({name})" if version is None else wanted
            raise ServingError(
                "NOT_FOUND", f"Servable not found for request: {wanted}"
            )
        return number, loaded[number]

    def list_states(self, name, version=None):
        """Gives the states of one version or of all."""
        if name == self.name and version is None and self.states:
            return dict(sorted(self.states.items()))
        if name == self.name and version in self.states:
            return {version: self.states[version]}
        wanted = "any versions" if version is None else f"version {version}"
        raise ServingError(
            "NOT_FOUND", f"Could not find {wanted} of model {name}"
        )
