"""A model as OpenVINO's pair of files."""

import os
import pathlib

import keras

from ac_keras.serving.runtimes.dense_saved_model import dense_saved_model
from ac_keras.serving.runtimes.runtime_file import Predict
from ac_keras.utils.atomic_file import whole_files
from ac_keras.utils.optional_imports import import_optional

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
