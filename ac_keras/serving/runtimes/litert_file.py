"""A model as a LiteRT (TensorFlow Lite) file."""

import os
import pathlib

import keras
import tensorflow as tf

from ac_keras.serving.runtimes.dense_saved_model import dense_saved_model
from ac_keras.serving.runtimes.runtime_file import Predict
from ac_keras.utils.atomic_file import whole_files


def export_litert(model: keras.Model, path: str | os.PathLike) -> pathlib.Path:
    """Writes a model for LiteRT, of its built-in operations alone.

    The inputs are those of the SavedModel's `serving_default`, the output is
    `probabilities`; the file has them in a signature of that name. Batch and
    frames are free dimensions. Nothing is quantised.

    Args:
        model: A model of `cluster_classifier`.
        path: The file, replaced if it is there.

    Returns:
        The path.

    Raises:
        ValueError: If the model does not compute in float32.
    """
    with dense_saved_model(model) as saved_model:
        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
        content = converter.convert()
    with whole_files(path) as partial:
        partial.write_bytes(content)
    return pathlib.Path(path)


def open_litert(path: str | os.PathLike) -> Predict:
    """Loads a file of `export_litert` into the interpreter of TensorFlow.

    Args:
        path: The file.

    Returns:
        A function from arrays by input name to probabilities.
    """
    interpreter = tf.lite.Interpreter(os.fspath(path))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: runner(**inputs)["probabilities"]
