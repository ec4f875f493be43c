"""What a server answers to raw requests."""

import dataclasses
import json
import pathlib
import subprocess

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from support.serving.recorded_requests import SERVING_PYTHON
from support.serving.recorded_requests import outputs_of

PROGRAM = pathlib.Path(__file__).with_name("session_server.py")


@dataclasses.dataclass
class Answer:
    """A status code, the outputs by name or the error's text.

    `peak_bytes` is the most memory that the server has had up to then.
    """

    code: str
    outputs: dict | None
    text: str
    peak_bytes: int


def raw_predict(request):
    return b"P" + request.SerializeToString()


def raw_classify(request):
    return b"C" + request.SerializeToString()


def answers_of(folder, jobs):
    """Runs raw requests one after another in one process.

    Args:
        folder: A folder for the files between the processes.
        jobs: Mapping from a job's name to a SavedModel's folder and requests.

    Returns:
        Mapping from a job's name to the answers.
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
        ][0]
        raise AssertionError(
            f"exit status {result.returncode} at {deadly}: "
            f"{result.stderr[-4000:]}"
        )
    return answers


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
            answer = Answer(code, outputs_of(log), "", peak_bytes)
        else:
            answer = Answer(code, None, payload.decode(), peak_bytes)
        answers.append(answer)
    return answers
