"""Files of a model for runtimes other than TensorFlow, checked when written.

`Model.export(format=...)` of Keras (3.12 to 3.15) is not used here, because
its files do not have the signature of the model:

- ONNX: the output is named `Identity:0` and dimensions have no names; NaN in
  padding reaches the probabilities, and the converter copies large weights.
- OpenVINO: intermediate tensors become outputs as well, and `convert_model`
  reports each use to its vendor.
- LiteRT: the output is named `output_0`.
"""

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from ac_keras.serving.saved_model_check import TOLERANCE
from ac_keras.serving.saved_model_check import max_difference
from ac_keras.utils.atomic_file import whole_files
from ac_keras.utils.optional_imports import import_optional

# Runtimes and the suffixes of their files.
RUNTIMES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite"}
OPSET = 18  # the newest that tf2onnx 1.17 writes
MAX_ONNX_BYTES = 2**31 - 2**20  # of weights; leaves room for the graph
# By default OpenVINO computes in bfloat16 where the CPU supports it, with
# errors of some thousandths. Only the reader of a file can choose float32.
OPENVINO_FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}

# Computes probabilities (batch, num_classes) of inputs by name.
Predict = Callable[[Mapping[str, np.ndarray]], np.ndarray]


@dataclasses.dataclass(frozen=True)
class RuntimeCheck:
    """Result of the comparison of a runtime's file with its model.

    Attributes:
        path: The file.
        num_clips: Number of clips that were compared.
        max_difference: Largest absolute difference of a probability.
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
    """Writes a model for another runtime and compares their probabilities.

    The file appears only if it gives the model's probabilities for all
    batches and, with the first batch, for one clip alone and with NaN in the
    padding.

    Args:
        model: A model of `cluster_classifier` that computes in float32.
        runtime: A key of `RUNTIMES`.
        path: The file, with the runtime's suffix; replaced if it exists.
        batches: Pairs of features and labels with at least one clip.

    Returns:
        The result of the comparison.

    Raises:
        ImportError: If the runtime is not installed.
        ValueError: If runtime or path are invalid, there is no clip, or the
            model does not compute in float32.
        RuntimeError: If a probability differs by more than 1e-5.
    """
    _check_runtime_and_path(runtime, path)
    with whole_files(path) as partial:
        _EXPORTERS[runtime](model, partial)
        check = check_runtime(model, runtime, partial, batches)
    return dataclasses.replace(check, path=pathlib.Path(path))


def open_runtime(runtime: str, path: str | os.PathLike) -> Predict:
    """Loads a file of `export_runtime` into its runtime, on the CPU.

    Args:
        runtime: A key of `RUNTIMES`.
        path: The file.

    Returns:
        A function from arrays by input name to probabilities, float32
        `(batch, num_classes)`. Where a modality has no frames in a whole
        batch, the function adds a frame of zeros: ONNX Runtime fails without
        one, and LiteRT's interpreter may end the process.

    Raises:
        FileNotFoundError: If the file does not exist.
        ImportError: If the runtime is not installed.
        ValueError: If the runtime is unknown or the suffix is not its own.
    """
    _check_runtime_and_path(runtime, path)
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(
            f"Expected an existing file for {runtime}. Received: {path}. Write "
            "it with export_runtime."
        )
    predict = _OPENERS[runtime](path)
    return lambda inputs: predict(
        {name: _with_one_frame(x) for name, x in inputs.items()}
    )


def check_runtime(
    model: keras.Model,
    runtime: str,
    path: str | os.PathLike,
    batches: tf.data.Dataset,
) -> RuntimeCheck:
    """Compares the probabilities of a file with those of its model.

    Args:
        model: The model that the file was written from.
        runtime: A key of `RUNTIMES`.
        path: The file.
        batches: Pairs of features and labels with at least one clip.

    Returns:
        The result of the comparison.

    Raises:
        ImportError: If the runtime is not installed.
        ValueError: If there is no clip.
        RuntimeError: If a probability differs by more than 1e-5.
    """
    predict = open_runtime(runtime, path)
    num_clips, difference = 0, 0.0
    for features, _ in batches.as_numpy_iterator():
        inputs = {name: features[name] for name in model.input}
        for variant in [inputs] if num_clips else _variants(inputs):
            expected = keras.ops.convert_to_numpy(
                model(variant, training=False)
            )
            difference = max_difference(difference, predict(variant), expected)
        num_clips += len(expected)
    if not num_clips:
        raise ValueError(
            "check_runtime expects at least one clip. Received: no batch. "
            "Choose a split that has clips."
        )
    if not difference <= TOLERANCE:
        raise RuntimeError(
            f"Expected {runtime} to give the model's probabilities to "
            f"{TOLERANCE}. Received: a difference of {difference:.3g}. Do not "
            "use the file; please report this."
        )
    return RuntimeCheck(pathlib.Path(path), num_clips, difference)


def export_onnx(model: keras.Model, path: str | os.PathLike) -> pathlib.Path:
    """Writes a model in the ONNX format.

    The inputs are those of the SavedModel's `serving_default`, the output is
    `probabilities`; batch and frames are free dimensions with names.

    Args:
        model: A model of `cluster_classifier`.
        path: The file; replaced if it exists.

    Returns:
        The path.

    Raises:
        ImportError: If the extra `onnx` is not installed.
        ValueError: If the model does not compute in float32, or its weights
            take 2 GiB.
    """
    convert = import_optional("tf2onnx.convert", "onnx")
    onnx = import_optional("onnx", "onnx")
    _check_float32(model)
    function, specs, weights = _function_of_weights(model)
    message, _ = convert.from_function(
        function,
        specs,
        opset=OPSET,
        custom_op_handlers={"SelectV2": (_convert_select, [])},
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
    for value in (*graph.input, *graph.output):
        shape = value.type.tensor_type.shape.dim
        shape[0].dim_param = "batch"
        if len(shape) == 3:
            shape[1].dim_param = f"{value.name}_frames"
    with whole_files(path) as partial:
        partial.write_bytes(message.SerializeToString())
    return pathlib.Path(path)


def export_openvino(
    model: keras.Model, path: str | os.PathLike
) -> pathlib.Path:
    """Writes a model for OpenVINO: `NAME.xml` and, beside it, `NAME.bin`.

    Arguments, inputs and outputs are those of `export_onnx`; dimensions have no
    names. The weights stay float32.

    Raises:
        ImportError: If the extra `openvino` is not installed.
        ValueError: If the model does not compute in float32.
    """
    openvino = import_optional("openvino", "openvino")
    with dense_saved_model(model) as saved_model:
        network = openvino.Core().read_model(saved_model)
        with whole_files(path) as partial:
            openvino.save_model(network, partial, compress_to_fp16=False)
    return pathlib.Path(path)


def export_litert(model: keras.Model, path: str | os.PathLike) -> pathlib.Path:
    """Writes a model for LiteRT, with built-in operations only.

    Arguments, inputs and outputs are those of `export_onnx`, in a signature
    `serving_default`; dimensions have no names. Nothing is quantized.

    Raises:
        ValueError: If the model does not compute in float32.
    """
    with dense_saved_model(model) as saved_model:
        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
        content = converter.convert()
    with whole_files(path) as partial:
        partial.write_bytes(content)
    return pathlib.Path(path)


@contextlib.contextmanager
def dense_saved_model(model: keras.Model) -> Iterator[pathlib.Path]:
    """Writes a temporary SavedModel without request checks and class names.

    Its `serving_default` maps the model's inputs to `probabilities`.

    Raises:
        ValueError: If the model does not compute in float32.
    """
    _check_float32(model)
    specs = _input_specs(model)

    def serve(*inputs):
        names = [spec.name for spec in specs]
        batch = dict(zip(names, inputs, strict=True))
        return {"probabilities": model(batch, training=False)}

    # tf.saved_model.save does not find the variables of Keras 3: LiteRT's
    # converter then aborts the process or uses empty variables.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=specs)
    with tempfile.TemporaryDirectory() as directory:
        archive.write_out(directory, verbose=False)
        yield pathlib.Path(directory)


def _input_specs(model):
    return [
        tf.TensorSpec(x.shape, x.dtype, name) for name, x in model.input.items()
    ]


def _check_float32(model):
    dtypes = {
        layer.compute_dtype
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }
    if dtypes != {"float32"}:
        raise ValueError(
            "Expected a model that computes in float32, as the model.keras of "
            f"a run does. Received: layers that compute in {sorted(dtypes)}. "
            "Build it again under the policy float32 and set its weights."
        )


def _function_of_weights(model):
    """Returns a function of inputs and weights, its specs and the weights."""
    # tf2onnx copies the constants of a graph at every step, 13 GB for a model
    # of 260 MB. So the weights are inputs during the conversion.
    specs = _input_specs(model)
    trainable, others = (
        {f"{kind}_{i}": x.numpy() for i, x in enumerate(variables)}
        for kind, variables in (
            ("weight", model.trainable_variables),
            ("constant", model.non_trainable_variables),
        )
    )
    weights = trainable | others
    num_bytes = sum(x.nbytes for x in weights.values())
    if num_bytes >= MAX_ONNX_BYTES:
        raise ValueError(
            f"Expected weights of less than {MAX_ONNX_BYTES:,} bytes, the "
            f"limit of an ONNX file. Received: {num_bytes:,} bytes. Train "
            "fewer units, or choose another runtime."
        )
    specs += [
        tf.TensorSpec(x.shape, x.dtype, name) for name, x in weights.items()
    ]

    @tf.function(input_signature=specs, autograph=False)
    def serve(*arrays):
        inputs = {x.name: y for x, y in zip(specs, arrays, strict=True)}
        probabilities, _ = model.stateless_call(
            [inputs.pop(name) for name in trainable],
            [inputs.pop(name) for name in others],
            inputs,
            training=False,
        )
        return {"probabilities": probabilities}

    return serve, specs, weights


def _convert_select(context, node, name, arguments):
    """Converts a choice to Where; tf2onnx uses sums, where 0 * NaN is NaN."""
    del context, name, arguments
    node.type = "Where"
    return node


def _open_onnx(path):
    onnxruntime = import_optional("onnxruntime", "onnx")
    session = onnxruntime.InferenceSession(
        os.fspath(path), providers=["CPUExecutionProvider"]
    )
    return lambda inputs: session.run(["probabilities"], dict(inputs))[0]


def _open_openvino(path):
    openvino = import_optional("openvino", "openvino")
    compiled = openvino.Core().compile_model(
        os.fspath(path), "CPU", OPENVINO_FLOAT32
    )
    # A copy, because the next call overwrites the output.
    return lambda inputs: compiled(dict(inputs))["probabilities"].copy()


def _open_litert(path):
    interpreter = tf.lite.Interpreter(os.fspath(path))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: runner(**inputs)["probabilities"]


_EXPORTERS = {
    "onnx": export_onnx,
    "openvino": export_openvino,
    "litert": export_litert,
}
_OPENERS = {
    "onnx": _open_onnx,
    "openvino": _open_openvino,
    "litert": _open_litert,
}


def _check_runtime_and_path(runtime, path):
    if runtime not in RUNTIMES:
        raise ValueError(
            f"Expected one of the runtimes {sorted(RUNTIMES)}. Received: "
            f"runtime={runtime!r}."
        )
    suffix = RUNTIMES[runtime]
    if pathlib.Path(path).suffix != suffix:
        raise ValueError(
            f"Expected a file for {runtime} to end in {suffix}. Received: "
            f"path={os.fspath(path)!r}. Rename it."
        )


def _variants(inputs):
    """Yields one clip of a batch, the batch with NaN padding, the batch."""
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


def _with_one_frame(x):
    if x.ndim == 3 and not x.shape[1]:
        return np.zeros((x.shape[0], 1, x.shape[2]), x.dtype)
    return x
