"""Answers recorded requests where ac_keras and keras cannot be imported.

    python replay_requests.py FOLDER

reads FOLDER/jobs.json, a mapping from a job's name to the folder of a
SavedModel. It loads each into a session, as TensorFlow Serving does, answers
the requests of FOLDER/NAME.requests (TFRecords of `PredictionLog`, the form
of warm-up requests), writes them with their answers to FOLDER/NAME.replies,
and writes what the signatures look like to FOLDER/signatures.json. It needs
TensorFlow and tensorflow-serving-api, and nothing else.
"""

import importlib.util
import json
import pathlib
import sys

REFUSED = ("ac_keras", "keras")


class Refusal:
    """Finds the two and refuses to run them."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            return importlib.util.spec_from_loader(name, cls)
        return None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        raise ImportError(f"{module.__name__} is refused here")


def check_refusal():
    for name in REFUSED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        sys.exit(f"{name} could be imported")


def describe(tensors):
    """Dtype and shape by name; None where a dimension is free."""
    return {
        name: [
            tf.as_dtype(info.dtype).name,
            tf.TensorShape(info.tensor_shape).as_list(),
        ]
        for name, info in tensors.items()
    }


def describe_all(signatures):
    return {
        key: {
            "method": signature.method_name,
            "inputs": describe(signature.inputs),
            "outputs": describe(signature.outputs),
        }
        for key, signature in signatures.items()
        if signature.method_name
    }


def answer(session, signatures, log):
    """Fills in the reply of a request."""
    if log.HasField("classify_log"):
        request = log.classify_log.request
        inputs = {
            "inputs": np.array(
                [
                    x.SerializeToString()
                    for x in request.input.example_list.examples
                ],
                object,
            )
        }
    else:
        request = log.predict_log.request
        inputs = {n: tf.make_ndarray(x) for n, x in request.inputs.items()}
    signature = signatures[request.model_spec.signature_name]
    outputs = session.run(
        {name: info.name for name, info in signature.outputs.items()},
        {signature.inputs[name].name: x for name, x in inputs.items()},
    )
    if log.HasField("classify_log"):
        for names, scores in zip(
            outputs["classes"], outputs["scores"], strict=True
        ):
            result = log.classify_log.response.result.classifications.add()
            for name, score in zip(names, scores, strict=True):
                result.classes.add(label=name.decode(), score=score)
        return
    for name, value in outputs.items():
        reply = tf.make_tensor_proto(value)
        log.predict_log.response.outputs[name].CopyFrom(reply)


def main(folder):
    folder, described = pathlib.Path(folder), {}
    for name, saved_model in json.loads(
        (folder / "jobs.json").read_text()
    ).items():
        with tf.compat.v1.Session(graph=tf.Graph()) as session:
            meta = tf.compat.v1.saved_model.loader.load(
                session, [tf.saved_model.SERVING], saved_model
            )
            described[name] = describe_all(meta.signature_def)
            with tf.io.TFRecordWriter(str(folder / f"{name}.replies")) as file:
                for record in tf.compat.v1.io.tf_record_iterator(
                    str(folder / f"{name}.requests")
                ):
                    log = prediction_log_pb2.PredictionLog.FromString(record)
                    answer(session, meta.signature_def, log)
                    file.write(log.SerializeToString())
    (folder / "signatures.json").write_text(json.dumps(described))


if __name__ == "__main__":
    sys.meta_path.insert(0, Refusal)
    check_refusal()
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    main(*sys.argv[1:])
    check_refusal()
