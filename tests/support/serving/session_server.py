"""Answers raw requests as TensorFlow Serving does, without ac_keras and keras.

Its standard input is a sequence of pickles: for each job a SavedModel's folder
and its number of requests, in one list; then the requests, each the bytes of a
letter, P for Predict or C for Classify, and of the message. For each job it
prints a pickle of the signatures, then one for each answer: the status code,
the outputs by name, the error's text and the process's peak memory in bytes.
A request's model name and version have no effect.
It needs TensorFlow and tensorflow-serving-api only.
"""

import contextlib
import os
import pathlib
import pickle
import sys

if __name__ == "__main__":
    # None in sys.modules makes an import fail.
    sys.modules["ac_keras"] = None
    sys.modules["keras"] = None

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2

from support.serving.loopback_model import LoadedVersion
from support.serving.loopback_model import ServingError
from support.serving.loopback_model import run_classify
from support.serving.loopback_model import run_predict
from support.serving.loopback_model import serialized_examples


def answer(loaded, raw):
    """Returns the code, the outputs by name and the error's text."""
    serve = classify if raw[:1] == b"C" else predict
    try:
        return "OK", serve(loaded, raw[1:]), ""
    except ServingError as error:
        return error.code, None, error.message


def predict(loaded, raw):
    request = parse(predict_pb2.PredictRequest, raw)
    outputs = run_predict(
        loaded,
        request.model_spec.signature_name,
        request.inputs,
        list(request.output_filter),
        parse_tensor,
    )
    return {name: tf.make_ndarray(proto) for name, proto in outputs.items()}


def classify(loaded, raw):
    request = parse(classification_pb2.ClassificationRequest, raw)
    classes, scores = run_classify(
        loaded,
        request.model_spec.signature_name,
        serialized_examples(request.input),
    )
    return {"classes": classes, "scores": scores}


def parse(kind, raw):
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        # The transport's own answer.
        raise ServingError("INTERNAL", f"unparsable: {error}") from None


def parse_tensor(proto):
    """Reads a `TensorProto` by the code that servers use."""
    dtype = tf.as_dtype(proto.dtype)
    return tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()


def describe(signatures):
    """Method, and dtype and shape by name; None marks a free dimension."""

    def specs(infos):
        return {
            name: [
                tf.as_dtype(info.dtype).name,
                tf.TensorShape(info.tensor_shape).as_list(),
            ]
            for name, info in infos.items()
        }

    return {
        key: {
            "method": signature.method_name,
            "inputs": specs(signature.inputs),
            "outputs": specs(signature.outputs),
        }
        for key, signature in signatures.items()
        if signature.method_name
    }


def peak_memory():
    """In bytes. Not of getrusage, which starts with that of the parent."""
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def main():
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Nothing that a library prints lies between the answers.
    for saved_model, num_requests in pickle.load(requests):
        with contextlib.closing(LoadedVersion(saved_model)) as loaded:
            pickle.dump(describe(loaded.signatures), answers)
            for _ in range(num_requests):
                found = answer(loaded, pickle.load(requests))
                pickle.dump((*found, peak_memory()), answers)
                answers.flush()  # It may be the last.
    assert sys.modules["ac_keras"] is sys.modules["keras"] is None


if __name__ == "__main__":
    main()
