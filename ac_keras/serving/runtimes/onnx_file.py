"""A model as an ONNX file."""

import os
import pathlib

import keras
import tensorflow as tf

from ac_keras.serving.runtimes.dense_saved_model import check_float32
from ac_keras.serving.runtimes.dense_saved_model import input_specs
from ac_keras.serving.runtimes.runtime_file import Predict
from ac_keras.utils.atomic_file import whole_files
from ac_keras.utils.optional_imports import import_optional

OPSET = 18  # The newest that tf2onnx 1.17 writes.
LARGEST = 2**31 - 2**20  # bytes, with room for the graph


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
        ValueError: If the model does not compute in float32, or its weights
            take 2 GiB.
    """
    convert = import_optional("tf2onnx.convert", "onnx")
    onnx = import_optional("onnx", "onnx")
    check_float32(model)
    function, specs, weights = _function_of_weights(model)
    message, _ = convert.from_function(
        function,
        specs,
        opset=OPSET,
        custom_op_handlers={"SelectV2": (_select, [])},
    )
    graph = message.graph
    inputs = [x for x in graph.input if x.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(
        onnx.numpy_helper.from_array(x, name)
        for name, x in weights.items()
        if name in used
    )
    _name_dimensions(graph)
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


def _function_of_weights(model):
    """Makes a function of inputs and weights, its specs and the weights.

    tf2onnx copies the constants of a graph at every step: 13 GB for a model of
    260 MB. It is therefore given the weights as inputs.
    """
    specs = input_specs(model)
    trainable, others = (
        {f"{kind}_{i}": x.numpy() for i, x in enumerate(variables)}
        for kind, variables in (
            ("weight", model.trainable_variables),
            ("constant", model.non_trainable_variables),
        )
    )
    weights = trainable | others
    num_bytes = sum(x.nbytes for x in weights.values())
    if num_bytes >= LARGEST:
        raise ValueError(
            f"Expected weights of less than {LARGEST:,} bytes, which is what "
            f"an ONNX file holds. Received: {num_bytes:,} bytes. Train fewer "
            "units, or take another runtime."
        )
    specs += [
        tf.TensorSpec(x.shape, x.dtype, name) for name, x in weights.items()
    ]

    @tf.function(input_signature=specs, autograph=False)
    def serve(*arrays):
        given = {x.name: y for x, y in zip(specs, arrays, strict=True)}
        probabilities, _ = model.stateless_call(
            [given.pop(name) for name in trainable],
            [given.pop(name) for name in others],
            given,
            training=False,
        )
        return {"probabilities": probabilities}

    return serve, specs, weights


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
