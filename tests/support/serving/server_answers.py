"""Raw requests, and what a server answers to them."""

import dataclasses
import io
import os
import pathlib
import pickle
import subprocess
import sys

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_log_pb2

from support.programs import environment

# Requests can be answered in another environment, for example in one with
# nothing but tensorflow and tensorflow-serving-api:
# SERVING_PYTHON=OTHER/bin/python pytest tests/serving
SERVING_PYTHON = os.environ.get("SERVING_PYTHON", sys.executable)
PROGRAM = pathlib.Path(__file__).with_name("session_server.py")


@dataclasses.dataclass
class Answer:
    """A status code, the outputs by name or the error's text.

    `peak_bytes` is the peak memory of the server up to then.
    """

    code: str
    outputs: dict | None
    text: str
    peak_bytes: int


def raw_predict(signature, inputs):
    """A `PredictRequest` as `session_server.py` reads it."""
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return b"P" + request.SerializeToString()


def raw_classify(examples):
    """A `ClassificationRequest` as `session_server.py` reads it."""
    request = classification_pb2.ClassificationRequest()
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.extend(examples)
    return b"C" + request.SerializeToString()


def read_warm_up(version):
    """Signatures and raw requests of a version's warm-up file."""
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    names, requests = [], []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        letter = b"P" if log.HasField("predict_log") else b"C"
        request = getattr(log, log.WhichOneof("log_type")).request
        names.append(request.model_spec.signature_name)
        requests.append(letter + request.SerializeToString())
    return names, requests


def answers_of(jobs):
    """Runs raw requests one after another in one process.

    Args:
        jobs: Mapping from a job's name to a SavedModel's folder and requests.

    Returns:
        Mapping from a job's name to the answers, and one to the signatures.
    """
    steps = [(n, x) for n, (_, xs) in jobs.items() for x in (None, *xs)]
    models = [(str(path), len(requests)) for path, requests in jobs.values()]
    sent = [models, *(raw for _, raw in steps if raw is not None)]
    result = subprocess.run(
        [SERVING_PYTHON, str(PROGRAM)],
        env=environment(),
        input=b"".join(map(pickle.dumps, sent)),
        capture_output=True,
        check=False,
    )
    stream, found = io.BytesIO(result.stdout), []
    while stream.tell() < len(result.stdout):
        found.append(pickle.load(stream))
    assert result.returncode == 0, (
        f"exit status {result.returncode} at {steps[len(found) :][:1]}: "
        f"{result.stderr[-4000:].decode(errors='replace')}"
    )
    answers, signatures = {name: [] for name in jobs}, {}
    for (name, raw), values in zip(steps, found, strict=True):
        if raw is None:
            signatures[name] = values
        else:
            answers[name].append(Answer(*values))
    return answers, signatures


def outputs_of(answer):
    """The outputs of an answer that is not an error."""
    assert answer.code == "OK", answer.text
    return answer.outputs
