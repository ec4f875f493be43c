"""Runs SavedModels where neither ac_keras nor keras can be imported.

    python plain_session.py FOLDER

reads FOLDER/jobs.json, a mapping from a job's name to the folder of a
SavedModel, runs each on FOLDER/NAME.npz in a session, writes all outputs to
FOLDER/NAME.outputs.npz and the signatures to FOLDER/signatures.json.
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


def run_job(saved_model, batch):
    """Gives what the signature looks like and its outputs on a batch."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.loader.load(
            session, [tf.saved_model.SERVING], saved_model
        )
        signature = meta.signature_def["serving_default"]
        inputs, outputs = dict(signature.inputs), dict(signature.outputs)
        fetches = {name: info.name for name, info in outputs.items()}
        feed = {info.name: batch[name] for name, info in inputs.items()}
        described = {"inputs": describe(inputs), "outputs": describe(outputs)}
        return described, session.run(fetches, feed)


def main(folder):
    folder, signatures = pathlib.Path(folder), {}
    jobs = json.loads((folder / "jobs.json").read_text())
    for name, saved_model in jobs.items():
        batch = np.load(folder / f"{name}.npz")
        signatures[name], outputs = run_job(saved_model, batch)
        outputs["classes"] = outputs["classes"].astype("S")
        np.savez(folder / f"{name}.outputs.npz", **outputs)
    (folder / "signatures.json").write_text(json.dumps(signatures))


if __name__ == "__main__":
    sys.meta_path.insert(0, Refusal)
    check_refusal()
    import numpy as np
    import tensorflow as tf

    main(*sys.argv[1:])
    check_refusal()
