"""Stand-in for a model server, for tests and benchmarks on loopback.

    python loopback_server.py --model_name=NAME --model_base_path=FOLDER \
        --port=0 --rest_api_port=0

This is not TensorFlow Serving. It loads the newest version under the folder
through TensorFlow's session loader, has the same gRPC and REST interfaces and
the same errors, as far as our tests need them. When it is ready it prints a
line of JSON with its ports. It polls the folder for newer versions and ends
when its standard input ends. It imports nothing of ac_keras, since a
SavedModel must not need it.
"""

import argparse
import concurrent.futures
import functools
import http.server
import json
import sys
import threading

if __name__ == "__main__":
    # None in sys.modules makes an import fail.
    sys.modules["ac_keras"] = None
    sys.modules["keras"] = None

import grpc
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from support.serving import loopback_model
from support.serving import loopback_rest
from support.serving.loopback_model import Model
from support.serving.loopback_model import ServingError
from support.serving.loopback_model import invalid_argument

HOST = "127.0.0.1"
NUM_THREADS = 8
POLL_SECONDS = 0.2
OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.so_reuseport", 0),  # a port in use is not shared
]


def parse_arguments():
    parser = argparse.ArgumentParser()
    for name in ("--model_name", "--model_base_path"):
        parser.add_argument(name, required=True)
    for name in ("--port", "--rest_api_port"):
        parser.add_argument(name, type=int, default=0)
    return parser.parse_args()


def answering(method):
    """Turns a `ServingError` into the call's status."""

    def answer(self, request, context):
        try:
            return method(self, request)
        except ServingError as error:
            context.abort(grpc.StatusCode[error.code], error.message)

    return answer


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify and GetModelMetadata of a `Model`."""

    def __init__(self, model):
        self._model = model

    @answering
    def Predict(self, request):
        spec = request.model_spec
        number, loaded = self._find(spec)
        outputs = loopback_model.run_predict(
            loaded, spec.signature_name, request.inputs, request.output_filter
        )
        response = predict_pb2.PredictResponse(outputs=outputs)
        self._fill(response.model_spec, number, spec.signature_name)
        return response

    @answering
    def Classify(self, request):
        spec = request.model_spec
        number, loaded = self._find(spec)
        batch = loopback_model.run_classify(
            loaded,
            spec.signature_name,
            loopback_model.serialized_examples(request.input),
        )
        response = classification_pb2.ClassificationResponse()
        loopback_model.fill_result(response.result, *batch)
        self._fill(response.model_spec, number, spec.signature_name)
        return response

    @answering
    def GetModelMetadata(self, request):
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid_argument("Only signature_def is supported")
        number, loaded = self._find(request.model_spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(
            loopback_rest.make_metadata(loaded)
        )
        response.model_spec.name = self._model.name
        response.model_spec.version.value = number
        return response

    def _find(self, spec):
        return self._model.find(spec.name, version_of(spec))

    def _fill(self, spec, number, name):
        spec.name = self._model.name
        spec.version.value = number
        spec.signature_name = name or loopback_model.DEFAULT_SIGNATURE


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus of a `Model`."""

    def __init__(self, model):
        self._model = model

    @answering
    def GetModelStatus(self, request):
        spec = request.model_spec
        states = self._model.list_states(spec.name, version_of(spec))
        return loopback_rest.make_status(states)


def version_of(spec):
    return spec.version.value if spec.HasField("version") else None


def start_grpc(model, port, credentials=None):
    pool = concurrent.futures.ThreadPoolExecutor(NUM_THREADS)
    server, address = grpc.server(pool, options=OPTIONS), f"{HOST}:{port}"
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(model), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelService(model), server
    )
    if credentials:
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    return server, port


def start_rest(model, port):
    handler = type("Handler", (loopback_rest.RestHandler,), {"model": model})
    server = http.server.ThreadingHTTPServer((HOST, port), handler)
    serve = functools.partial(server.serve_forever, 0.02)
    threading.Thread(target=serve, daemon=True).start()
    return server, server.server_port


def keep_polling(model, ended):
    while not ended.wait(POLL_SECONDS):
        try:
            model.poll()
        except Exception as error:
            print(error, file=sys.stderr)


def main():
    arguments, ended = parse_arguments(), threading.Event()
    model = Model(arguments.model_name, arguments.model_base_path)
    model.poll()
    server, port = start_grpc(model, arguments.port)
    rest, rest_port = start_rest(model, arguments.rest_api_port)
    print(json.dumps({"port": port, "rest_api_port": rest_port}), flush=True)
    polling = threading.Thread(target=keep_polling, args=(model, ended))
    polling.start()
    sys.stdin.read()
    ended.set()
    server.stop(grace=None)
    rest.shutdown()
    polling.join()


if __name__ == "__main__":
    main()
