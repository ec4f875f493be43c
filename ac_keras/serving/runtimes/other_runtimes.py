"""A model for runtimes other than TensorFlow Serving, checked at once."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ac_keras.serving.runtimes.litert_file import export_litert
from ac_keras.serving.runtimes.litert_file import open_litert
from ac_keras.serving.runtimes.onnx_file import export_onnx
from ac_keras.serving.runtimes.onnx_file import open_onnx
from ac_keras.serving.runtimes.openvino_file import export_openvino
from ac_keras.serving.runtimes.openvino_file import open_openvino
from ac_keras.serving.runtimes.runtime_file import Predict
from ac_keras.serving.saved_model_check import TOLERANCE
from ac_keras.utils.atomic_file import whole_files


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
