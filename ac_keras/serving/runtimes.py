"""A model for runtimes other than TensorFlow Serving, checked at once."""

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ac_keras.serving.saved_model_check import TOLERANCE
from ac_keras.utils.atomic_file import whole_files
from ac_keras.utils.optional_imports import import_optional


def input_specs(model: keras.Model) -> list[tf.TensorSpec]:
    """Gives the inputs by name, dtype and shape; batch and frames are free."""
    return [
        tf.TensorSpec(x.shape, x.dtype, name) for name, x in model.input.items()
    ]


@contextlib.contextmanager
def dense_saved_model(model: keras.Model) -> Iterator[pathlib.Path]:
    """Gives a SavedModel of a model's bare computation for a while.

    Its `serving_default` takes the model's inputs and gives `probabilities`.

    Args:
        model: A model of `cluster_classifier` that computes in float32.

    Yields:
        The folder.

    Raises:
        ValueError: If the model computes in another dtype.
    """
    check_float32(model)
    specs = input_specs(model)

    def serve(*inputs):
        names = [spec.name for spec in specs]
        batch = dict(zip(names, inputs, strict=True))
        return {"probabilities": model(batch, training=False)}

    # Not tf.saved_model.save, which does not find the variables of Keras 3:
    # LiteRT's converter then ends the process or takes them for empty.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=specs)
    with tempfile.TemporaryDirectory() as directory:
        archive.write_out(directory, verbose=False)
        yield pathlib.Path(directory)


def check_float32(model: keras.Model) -> None:
    """Raises ValueError if a model computes in another dtype."""
    dtypes = {
        layer.compute_dtype
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }
    if dtypes != {"float32"}:
        raise ValueError(
            "Expected a model that computes in float32, as the model.keras of "
            f"a run does. Received: layers that compute in {sorted(dtypes)}. "
            "Build it anew under the policy float32 and set its weights."
        )


# From a batch's inputs by name to its probabilities (batch, num_classes).
Predict = Callable[[Mapping[str, np.ndarray]], np.ndarray]


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


# By default OpenVINO computes in bfloat16 where the CPU has it, and is then
# off by some thousandths. No file can ask for this, only who opens it.
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def export_openvino(
    model: keras.Model, path: str | os.PathLike
) -> pathlib.Path:
    """Writes a model for OpenVINO: `NAME.xml` and, beside it, `NAME.bin`.

    The inputs are those of the SavedModel's `serving_default`, the output is
    `probabilities`; batch and frames are free dimensions. The weights stay
    float32.

    Args:
        model: A model of `cluster_classifier`.
        path: The `.xml` file, replaced if it is there.

    Returns:
        The path.

    Raises:
        ImportError: If the extra `openvino` is not installed.
        ValueError: If the model does not compute in float32.
    """
    openvino = import_optional("openvino", "openvino")
    with dense_saved_model(model) as saved_model:
        # Not convert_model, which reports each use to its makers.
        network = openvino.Core().read_model(saved_model)
        with whole_files(path) as partial:
            openvino.save_model(network, partial, compress_to_fp16=False)
    return pathlib.Path(path)


def open_openvino(path: str | os.PathLike) -> Predict:
    """Loads files of `export_openvino` onto the CPU, to compute in float32.

    Args:
        path: The `.xml` file.

    Returns:
        A function from arrays by input name to probabilities.

    Raises:
        ImportError: If the extra `openvino` is not installed.
    """
    openvino = import_optional("openvino", "openvino")
    compiled = openvino.Core().compile_model(os.fspath(path), "CPU", FLOAT32)
    # A copy, as the next call writes over the output.
    return lambda inputs: compiled(dict(inputs))["probabilities"].copy()


class Runtime(NamedTuple):
    """A runtime other than TensorFlow.

    Attributes:
        export: Writes a model to a file.
        open_file: Gives a function from inputs to probabilities.
        suffix: How the file's name ends.
    """

    export: Callable[[keras.Model, pathlib.Path], object]
    open_file: Callable[[str | os.PathLike], Predict]
    suffix: str


_RUNTIMES = {
    "onnx": Runtime(export_onnx, open_onnx, ".onnx"),
    "openvino": Runtime(export_openvino, open_openvino, ".xml"),
    "litert": Runtime(export_litert, open_litert, ".tflite"),
}
# How each one's file ends.
RUNTIMES = {name: runtime.suffix for name, runtime in _RUNTIMES.items()}


@dataclasses.dataclass(frozen=True)
class RuntimeCheck:
    """How a file did in its runtime.

    Attributes:
        path: The file.
        num_clips: How many clips it was given.
        max_difference: Largest difference of a probability from the model's.
    """

    path: pathlib.Path
    num_clips: int
    max_difference: float


def export_runtime(
    model: keras.Model,
    runtime: str,
    path: str | os.PathLike,
    batches: tf.data.Dataset,
) -> RuntimeCheck:
    """Writes a model for another runtime and compares what that says.

    The file appears when it has given the model's probabilities for all
    batches, and, of the first, for one clip and where the padding is NaN.

    Args:
        model: A model of `cluster_classifier` that computes in float32.
        runtime: A key of `RUNTIMES`.
        path: The file, with the runtime's ending; replaced if it is there.
        batches: Pairs of features and labels, one clip or more.

    Returns:
        What came out.

    Raises:
        ImportError: If the runtime is not installed.
        ValueError: If runtime or path do not fit, there is no clip, or the
            model computes in another dtype than float32.
        RuntimeError: If a probability is off by more than 1e-5.
    """
    export = _runtime(runtime, path).export
    with whole_files(path) as partial:
        export(model, partial)
        check = check_runtime(model, runtime, partial, batches)
    return dataclasses.replace(check, path=pathlib.Path(path))


def open_runtime(runtime: str, path: str | os.PathLike) -> Predict:
    """Loads a file of `export_runtime` into its runtime, on the CPU.

    Args:
        runtime: A key of `RUNTIMES`.
        path: The file.

    Returns:
        A function from arrays by input name to probabilities, float32
        `(batch, num_classes)`. It gives a frame of zeros to a modality that
        has none for a whole batch, where ONNX Runtime fails and LiteRT's
        interpreter may end the process.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the runtime is not installed.
        ValueError: If the runtime is unknown or the file has another ending.
    """
    open_file = _runtime(runtime, path).open_file
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(
            f"Expected a file for {runtime}. Received: {path}, where there is "
            "none. export_runtime writes it."
        )
    predict = open_file(path)
    return lambda inputs: predict(
        {name: _with_a_frame(x) for name, x in inputs.items()}
    )


def check_runtime(
    model: keras.Model,
    runtime: str,
    path: str | os.PathLike,
    batches: tf.data.Dataset,
) -> RuntimeCheck:
    """Compares the probabilities of a file with its model's.

    Args:
        model: The model that it was written from.
        runtime: A key of `RUNTIMES`.
        path: The file.
        batches: Pairs of features and labels, one clip or more.

    Returns:
        What came out.

    Raises:
        ImportError: If the runtime is not installed.
        ValueError: If there is no clip.
        RuntimeError: If a probability is off by more than 1e-5.
    """
    predict = open_runtime(runtime, path)
    num_clips, difference = 0, 0.0
    for features, _ in batches.as_numpy_iterator():
        inputs = {name: features[name] for name in model.input}
        for variant in [inputs] if num_clips else _variants(inputs):
            expected = keras.ops.convert_to_numpy(
                model(variant, training=False)
            )
            gap = float(np.abs(predict(variant) - expected).max())
            # Of NumPy, which lets NaN through where Python's max does not.
            difference = float(np.maximum(difference, gap))
        num_clips += len(expected)
    if not num_clips:
        raise ValueError(
            "check_runtime expects at least one clip. Received: no batch. "
            "Name a split that has clips."
        )
    if not difference <= TOLERANCE:
        raise RuntimeError(
            f"Expected {runtime} to give the model's probabilities to "
            f"{TOLERANCE}. Received: a difference of {difference:.3g}. Do not "
            "use it; please report this."
        )
    return RuntimeCheck(pathlib.Path(path), num_clips, difference)


def _variants(inputs) -> Iterator[dict[str, np.ndarray]]:
    """One clip of a batch; the batch with padding of NaN; the batch."""
    yield {name: x[:1] for name, x in inputs.items()}
    padded = dict(inputs)
    for name, num_frames in inputs.items():
        modality = name.removesuffix("_num_frames")
        if modality != name:
            frames = np.pad(inputs[modality], ((0, 0), (0, 1), (0, 0)))
            padding = np.arange(frames.shape[1]) >= num_frames[:, None]
            frames[padding] = np.nan
            padded[modality] = frames
    yield padded
    yield inputs


def _with_a_frame(x):
    if x.ndim == 3 and not x.shape[1]:
        return np.zeros((x.shape[0], 1, x.shape[2]), x.dtype)
    return x


def _runtime(runtime, path):
    if runtime not in RUNTIMES:
        raise ValueError(
            f"Expected one of the runtimes {sorted(RUNTIMES)}. Received: "
            f"runtime={runtime!r}."
        )
    suffix = RUNTIMES[runtime]
    if pathlib.Path(path).suffix != suffix:
        raise ValueError(
            f"Expected a file for {runtime} to end in {suffix}. Received: "
            f"path={os.fspath(path)!r}. Name it so."
        )
    return _RUNTIMES[runtime]
