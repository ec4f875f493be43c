"""A model as an ONNX file."""

import os
import pathlib

import keras

from ac_keras.serving.dense_function import dense_function
from ac_keras.serving.dense_function import input_specs
from ac_keras.serving.optional_package import import_optional
from ac_keras.serving.runtime_file import Predict
from ac_keras.serving.whole_files import whole_files

OPSET = 18  # The newest that tf2onnx 1.17 writes.


def export_onnx(model: keras.Model, path: str | os.PathLike) -> pathlib.Path:
    """Writes a model for ONNX Runtime and its like.

    The inputs are those of the SavedModel's `serving_default`, the output is
    `probabilities`; batch and frames are free dimensions with names.

    Args:
        model: A model of `cluster_classifier`.
        path: The file, replaced if it is there.

    Returns:
        The path.

    Raises:
        ImportError: If the extra `onnx` is not installed.
        ValueError: If the model does not compute in float32.
    """
    convert = import_optional("tf2onnx.convert", "onnx")
    message, _ = convert.from_function(
        dense_function(model),
        input_specs(model),
        opset=OPSET,
        custom_op_handlers={"SelectV2": (_select, [])},
    )
    _name_dimensions(message.graph)
    with whole_files(path) as partial:
        partial.write_bytes(message.SerializeToString())
    return pathlib.Path(path)


def open_onnx(path: str | os.PathLike) -> Predict:
    """Loads a file of `export_onnx` into ONNX Runtime, on the CPU.

    Args:
        path: The file.

    Returns:
        A function from arrays by input name to probabilities.

    Raises:
        ImportError: If the extra `onnx` is not installed.
    """
    onnxruntime = import_optional("onnxruntime", "onnx")
    session = onnxruntime.InferenceSession(
        os.fspath(path), providers=["CPUExecutionProvider"]
    )
    return lambda inputs: session.run(["probabilities"], dict(inputs))[0]


def _select(context, node, name, arguments):
    """Keeps a choice one: tf2onnx makes sums of it, where 0 * NaN is NaN."""
    del context, name, arguments
    node.type = "Where"
    return node


def _name_dimensions(graph):
    for value in (*graph.input, *graph.output):
        shape = value.type.tensor_type.shape.dim
        shape[0].dim_param = "batch"
        if len(shape) == 3:
            shape[1].dim_param = f"{value.name}_frames"
