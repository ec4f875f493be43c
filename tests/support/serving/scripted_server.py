"""A server in this process that answers each request as a test defines."""

import contextlib
import http.server
import ssl
import threading
import types

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from ac_keras import serving
from support.serving import loopback_server
from support.serving.loopback_model import ServingError

DIM = 2
MODEL_NAME = "scripted"


def make_signatures():
    """Signatures of `rgb` frames of two numbers, or records, to one score."""
    rgb = {"rgb": (tf.float32, (None, None, DIM))}
    inputs = {
        "serving_default": {**rgb, "rgb_num_frames": (tf.int32, (None,))},
        "from_sequence_examples": {"examples": (tf.string, (None,))},
    }
    outputs = {"classes": (tf.string, (None, 1))}
    outputs["scores"] = (tf.float32, (None, 1))
    return {
        name: meta_graph_pb2.SignatureDef(
            method_name="tensorflow/serving/predict",
            inputs=make_infos(specs),
            outputs=make_infos(outputs),
        )
        for name, specs in inputs.items()
    }


def make_infos(specs):
    return {
        name: meta_graph_pb2.TensorInfo(
            name=name,
            dtype=dtype.as_datatype_enum,
            tensor_shape=tf.TensorShape(shape).as_proto(),
        )
        for name, (dtype, shape) in specs.items()
    }


class ScriptedVersion:
    """Answers with each clip's first number, or its record's length.

    Args:
        script: Called with a request's number, from 0 on, and the first
            numbers of its clips; returns None or the name of a status. By
            default every request has an answer.
    """

    def __init__(self, script):
        self.signatures = make_signatures()
        self.num_requests = 0
        self._script = script
        self._lock = threading.Lock()

    def run(self, feed_names, fetch_names, arrays):
        with self._lock:
            number = self.num_requests
            self.num_requests += 1
        feeds = dict(zip(feed_names, arrays, strict=True))
        if "rgb" in feeds:
            values = feeds["rgb"][:, 0, 0]
        else:
            values = np.array([len(x) for x in feeds["examples"]], np.float32)
        code = self._script and self._script(number, values)
        if code:
            raise ServingError(code, f"scripted {code}")
        outputs = {
            "scores": values[:, None],
            "classes": np.array([[b"any"]] * len(values), object),
        }
        return [outputs[name] for name in fetch_names]


@contextlib.contextmanager
def serve_script(script=None, certificate=None):
    """Starts a server whose `address` takes a protocol's name.

    Args:
        script: As `ScriptedVersion` takes it.
        certificate: Paths of a private key and a certificate, to encrypt.
    """
    version = ScriptedVersion(script)
    model = types.SimpleNamespace(
        name=MODEL_NAME,
        find=lambda name, number=None: (1, version),
        list_states=lambda name, number=None: {1: "AVAILABLE"},
    )
    credentials, context = None, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        key, chain = certificate
        context.load_cert_chain(chain, key)
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), chain.read_bytes())]
        )
    server, port = loopback_server.start_grpc(model, 0, credentials)
    rest, rest_port = loopback_server.start_rest(model, 0)
    if certificate:
        rest.socket = context.wrap_socket(rest.socket, server_side=True)
    ports = {"grpc": port, "rest": rest_port}
    try:
        yield types.SimpleNamespace(
            version=version, address=lambda x: f"127.0.0.1:{ports[x]}"
        )
    finally:
        server.stop(grace=None)
        rest.shutdown()
        rest.server_close()


@contextlib.contextmanager
def scripted_client(script=None, protocol="grpc", **settings):
    """Yields a client of a server of a script, and the `ScriptedVersion`."""
    with serve_script(script) as server:
        address = server.address(protocol)
        with serving.Client(
            address, MODEL_NAME, protocol=protocol, **settings
        ) as client:
            yield client, server.version


def number_clips(numbers):
    """Yields clips of one frame that are identified by their first number."""
    for number in numbers:
        yield {"rgb": np.full((1, DIM), number)}


@contextlib.contextmanager
def serve_answer(status, body=b"", path=None):
    """Yields the port of an HTTP server with one answer, to one path or all."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(501 if path not in (None, self.path) else status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Logs nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield server.server_port
        server.shutdown()
