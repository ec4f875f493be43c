"""Answers raw requests as TensorFlow Serving does.

    python session_server.py FOLDER

reads FOLDER/jobs.json, a mapping from a job's name to the folder of a
SavedModel, and FOLDER/NAME.raw, TFRecords of a letter, P for Predict or C for
Classify, and the bytes of a request as they came. It writes
FOLDER/NAME.answers: TFRecords of a line with the status code and the process's
peak memory in KiB, and behind it the answer as a `PredictionLog` or the error's
text.

Unlike Python's `Session.run`, a callable hands tensors of any shape to the
graph, as a server's session does. Models are not looked up: a request's model
name and version have no effect.
"""

import contextlib
import json
import pathlib
import sys

if __name__ == "__main__":
    # None in sys.modules makes an import fail.
    sys.modules["ac_keras"] = None
    sys.modules["keras"] = None

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_log_pb2

INVALID = "INVALID_ARGUMENT"
CODES = {
    value: name
    for name, value in vars(tf.errors).items()
    if name.isupper() and isinstance(value, int)
}


class Refused(Exception):
    """What a server says before it runs the graph: a code and a text."""


class Server:
    """One model's signatures in a session."""

    def __init__(self, session, signatures):
        self._session, self._signatures = session, signatures
        self._callables = {}

    def answer(self, raw):
        """Gives the code and the answer or text, bytes."""
        serve = self._classify if raw[:1] == b"C" else self._predict
        try:
            log = prediction_log_pb2.PredictionLog()
            serve(raw[1:], log)
            return "OK", log.SerializeToString()
        except Refused as error:
            code, text = error.args
        except tf.errors.OpError as error:
            code, text = CODES[error.error_code], error.message
        except UnicodeDecodeError as error:
            # Python fails at a text that quotes bytes of a request.
            code, text = INVALID, error.object.decode(errors="replace")
        return code, text.encode()

    def _predict(self, raw, log):
        request = parse(predict_pb2.PredictRequest, raw)
        key = request.model_spec.signature_name or "serving_default"
        if key not in self._signatures:
            raise Refused(
                "FAILED_PRECONDITION",
                f'Serving signature key "{key}" not found.',
            )
        signature = self._signatures[key]
        if set(request.inputs) != set(signature.inputs):
            raise Refused(
                INVALID,
                f"input size does not match signature: {set(request.inputs)} "
                f"are not {set(signature.inputs)}",
            )
        inputs = {n: to_tensor(n, x) for n, x in request.inputs.items()}
        names = list(request.output_filter)
        if len(set(names)) < len(names) or set(names) - set(signature.outputs):
            raise Refused(INVALID, f"output tensor alias: {names}")
        outputs = self._run(key, inputs, names or sorted(signature.outputs))
        for name, value in outputs.items():
            log.predict_log.response.outputs[name].CopyFrom(
                tf.make_tensor_proto(value)
            )

    def _classify(self, raw, log):
        request = parse(classification_pb2.ClassificationRequest, raw)
        key = request.model_spec.signature_name or "serving_default"
        if key not in self._signatures:
            raise Refused(INVALID, f"No signature was found: {key}")
        signature = self._signatures[key]
        if list(signature.inputs) != ["inputs"] or len(signature.outputs) > 2:
            raise Refused(INVALID, f"Expected a classify signature: {key}")
        examples = serialized_examples(request.input)
        if not examples:
            raise Refused(INVALID, "Input is empty.")
        inputs = {"inputs": np.array(examples, object)}
        outputs = self._run(key, inputs, ["classes", "scores"])
        result = log.classify_log.response.result
        for names, scores in zip(*outputs.values(), strict=True):
            clip = result.classifications.add()
            for name, score in zip(names, scores, strict=True):
                clip.classes.add(label=name.decode(), score=score)

    def _run(self, key, inputs, outputs):
        names = sorted(inputs)
        call = self._callables.get((key, *outputs))
        if call is None:
            signature = self._signatures[key]
            options = CallableOptions(
                feed=[signature.inputs[x].name for x in names],
                fetch=[signature.outputs[x].name for x in outputs],
            )
            call = self._session._make_callable_from_options(options)
            self._callables[key, *outputs] = call
        values = call(*[inputs[x] for x in names])
        return dict(zip(outputs, values, strict=True))


def parse(kind, raw):
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        # The transport's own answer.
        raise Refused("INTERNAL", f"unparsable: {error}") from None


def to_tensor(name, proto):
    """Makes an array of a `TensorProto` by the code that servers use."""
    try:
        dtype = tf.as_dtype(proto.dtype)
        return tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        text = f"tensor parsing error: {name}"
        raise Refused(INVALID, text) from None


def serialized_examples(proto):
    kind = proto.WhichOneof("kind")
    if kind is None:
        return []
    # A context stands in front of every example.
    context = b""
    if kind == "example_list_with_context":
        context = proto.example_list_with_context.context.SerializeToString()
    examples = getattr(proto, kind).examples
    return [context + x.SerializeToString() for x in examples]


def peak_memory():
    """In KiB. Not of getrusage, which begins with that of the parent."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def main(folder):
    folder = pathlib.Path(folder)
    jobs = json.loads((folder / "jobs.json").read_text())
    for name, saved_model in jobs.items():
        # Not `with session`: its graph would be the default one.
        with contextlib.closing(
            tf.compat.v1.Session(graph=tf.Graph())
        ) as session:
            meta = tf.compat.v1.saved_model.loader.load(
                session, [tf.saved_model.SERVING], saved_model
            )
            server = Server(session, meta.signature_def)
            requests = tf.data.TFRecordDataset(str(folder / f"{name}.raw"))
            with tf.io.TFRecordWriter(str(folder / f"{name}.answers")) as file:
                for raw in requests.as_numpy_iterator():
                    code, payload = server.answer(raw)
                    line = f"{code} {peak_memory()}\n"
                    file.write(line.encode() + payload)
                    file.flush()  # It may be the last.


if __name__ == "__main__":
    main(*sys.argv[1:])
