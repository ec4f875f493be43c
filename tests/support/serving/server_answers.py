"""Raw requests, and what a server answers to them."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
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


def answers_of(folder, jobs):
    """Runs raw requests one after another in one process.

    Args:
        folder: A folder for the files between the processes.
        jobs: Mapping from a job's name to a SavedModel's folder and requests.

    Returns:
        Mapping from a job's name to the answers, and one to the signatures.
    """
    folder.mkdir(exist_ok=True)
    paths = {name: str(path) for name, (path, _) in jobs.items()}
    (folder / "jobs.json").write_text(json.dumps(paths))
    for name, (_, requests) in jobs.items():
        with tf.io.TFRecordWriter(str(folder / f"{name}.raw")) as file:
            for raw in requests:
                file.write(raw)
    result = subprocess.run(
        [SERVING_PYTHON, str(PROGRAM), str(folder)],
        env=environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    answers = {name: _read(folder / f"{name}.answers") for name in jobs}
    if result.returncode:
        deadly = [
            (name, list(requests)[len(answers[name])])
            for name, (_, requests) in jobs.items()
            if len(answers[name]) < len(requests)
        ]
        raise AssertionError(
            f"exit status {result.returncode} at {deadly[:1]}: "
            f"{result.stderr[-4000:]}"
        )
    return answers, json.loads((folder / "signatures.json").read_text())


def outputs_of(answer):
    """The outputs of an answer that is not an error."""
    assert answer.code == "OK", answer.text
    return answer.outputs


def _read(path):
    answers = []
    if not path.exists():
        return answers
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        line, _, payload = record.partition(b"\n")
        code, peak = line.decode().split()
        peak_bytes = int(peak) * 1024
        if code == "OK":
            log = prediction_log_pb2.PredictionLog.FromString(payload)
            answer = Answer(code, _outputs(log), "", peak_bytes)
        else:
            answer = Answer(code, None, payload.decode(), peak_bytes)
        answers.append(answer)
    return answers


def _outputs(log):
    """The outputs by name; of `classify` as `classes` and `scores`."""
    if log.HasField("predict_log"):
        outputs = log.predict_log.response.outputs
        return {name: tf.make_ndarray(x) for name, x in outputs.items()}
    clips = log.classify_log.response.result.classifications
    return {
        "classes": np.array(
            [[x.label.encode() for x in clip.classes] for clip in clips]
        ),
        "scores": np.array([[x.score for x in clip.classes] for clip in clips]),
    }
