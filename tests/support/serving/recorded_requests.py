"""Requests as a server gets them, and what it answered."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

# Requests can be answered in another environment, for example in one with
# nothing but tensorflow and tensorflow-serving-api:
# SERVING_PYTHON=OTHER/bin/python pytest tests/serving
SERVING_PYTHON = os.environ.get("SERVING_PYTHON", sys.executable)
PROGRAM = pathlib.Path(__file__).with_name("replay_requests.py")


def predict_log(signature, inputs):
    """A `PredictRequest`, recorded."""
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log


def classify_log(examples):
    """A `ClassificationRequest` of `tf.Example`s, recorded."""
    log = prediction_log_pb2.PredictionLog()
    request = log.classify_log.request
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.extend(examples)
    return log


def outputs_of(log):
    """The reply by name; of `classify` as `classes` and `scores`."""
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


def read_logs(path):
    return [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]


def replay(folder, jobs):
    """Runs requests in a process of its own.

    Args:
        folder: A folder for the files between the processes.
        jobs: Mapping from a job's name to a SavedModel's folder and either
            recorded requests or a file of them.

    Returns:
        Mapping from a job's name to the recorded requests with their replies,
        and one to its SavedModel's signatures.
    """
    paths = {name: str(path) for name, (path, _) in jobs.items()}
    (folder / "jobs.json").write_text(json.dumps(paths))
    for name, (_, requests) in jobs.items():
        if isinstance(requests, pathlib.Path):
            requests = read_logs(requests)
        with tf.io.TFRecordWriter(str(folder / f"{name}.requests")) as file:
            for log in requests:
                file.write(log.SerializeToString())
    result = subprocess.run(
        [SERVING_PYTHON, str(PROGRAM), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    replies = {name: read_logs(folder / f"{name}.replies") for name in jobs}
    return replies, json.loads((folder / "signatures.json").read_text())
