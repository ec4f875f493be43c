"""Answers raw requests as TensorFlow Serving does, without ac_keras and keras.

    python session_server.py FOLDER

FOLDER/jobs.json maps a job's name to the folder of a SavedModel.
FOLDER/NAME.raw has TFRecords of a letter, P for Predict or C for Classify, and
the bytes of a request. The program writes TFRecords to FOLDER/NAME.answers: a
line with the status code and the process's peak memory in KiB, then the answer
as a `PredictionLog` or the error's text. It writes the signatures by job to
FOLDER/signatures.json. A request's model name and version have no effect.
It needs TensorFlow and tensorflow-serving-api only.
"""

import contextlib
import json
import pathlib
import sys

if __name__ == "__main__":
    # None in sys.modules makes an import fail.
    sys.modules["ac_keras"] = None
    sys.modules["keras"] = None

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_log_pb2

from support.serving.loopback_model import LoadedVersion
from support.serving.loopback_model import ServingError
from support.serving.loopback_model import fill_result
from support.serving.loopback_model import run_classify
from support.serving.loopback_model import run_predict
from support.serving.loopback_model import serialized_examples


def answer(loaded, raw):
    """Returns the code and the answer or text, as bytes."""
    serve = classify if raw[:1] == b"C" else predict
    try:
        log = prediction_log_pb2.PredictionLog()
        serve(loaded, raw[1:], log)
        return "OK", log.SerializeToString()
    except ServingError as error:
        code, text = error.code, error.message
    except UnicodeDecodeError as error:
        # Python fails at a text that quotes bytes of a request.
        code = "INVALID_ARGUMENT"
        text = error.object.decode(errors="replace")
    return code, text.encode()


def predict(loaded, raw, log):
    request = parse(predict_pb2.PredictRequest, raw)
    outputs = run_predict(
        loaded,
        request.model_spec.signature_name,
        request.inputs,
        list(request.output_filter),
        parse_tensor,
    )
    for name, proto in outputs.items():
        log.predict_log.response.outputs[name].CopyFrom(proto)


def classify(loaded, raw, log):
    request = parse(classification_pb2.ClassificationRequest, raw)
    batch = run_classify(
        loaded,
        request.model_spec.signature_name,
        serialized_examples(request.input),
    )
    fill_result(log.classify_log.response.result, *batch)


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
    """In KiB. Not of getrusage, which starts with that of the parent."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def main(folder):
    folder, signatures = pathlib.Path(folder), {}
    jobs = json.loads((folder / "jobs.json").read_text())
    for name, saved_model in jobs.items():
        with contextlib.closing(LoadedVersion(saved_model)) as loaded:
            signatures[name] = describe(loaded.signatures)
            requests = tf.data.TFRecordDataset(str(folder / f"{name}.raw"))
            with tf.io.TFRecordWriter(str(folder / f"{name}.answers")) as file:
                for raw in requests.as_numpy_iterator():
                    code, payload = answer(loaded, raw)
                    line = f"{code} {peak_memory()}\n"
                    file.write(line.encode() + payload)
                    file.flush()  # It may be the last.
    (folder / "signatures.json").write_text(json.dumps(signatures))
    assert sys.modules["ac_keras"] is sys.modules["keras"] is None


if __name__ == "__main__":
    main(*sys.argv[1:])
