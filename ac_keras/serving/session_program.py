"""Runs a SavedModel over batches with TensorFlow alone.

    python session_program.py SAVED_MODEL FOLDER

Reads the arrays by input name of each FOLDER/*.inputs.npz and writes the
probabilities beside it as *.outputs.npy. The program imports nothing of
`ac_keras`, to show that a SavedModel does not need the package.
"""

import pathlib
import sys

if __name__ == "__main__":
    # None in sys.modules makes an import fail.
    sys.modules["ac_keras"] = None
    sys.modules["keras"] = None

import numpy as np
import tensorflow as tf


def main(saved_model, directory):
    """Loads the model into a session, as TensorFlow Serving does."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.loader.load(
            session, [tf.saved_model.SERVING], saved_model
        )
        signature = meta.signature_def["serving_default"]
        fetch = signature.outputs["probabilities"].name
        for path in sorted(pathlib.Path(directory).glob("*.inputs.npz")):
            batch = np.load(path)
            feed = {
                info.name: batch[name]
                for name, info in signature.inputs.items()
            }
            outputs = str(path).replace(".inputs.npz", ".outputs.npy")
            np.save(outputs, session.run(fetch, feed))


if __name__ == "__main__":
    main(*sys.argv[1:])
