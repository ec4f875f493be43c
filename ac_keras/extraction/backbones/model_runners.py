"""Runners of model files: TFLite, ONNX and SavedModel."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from ac_keras.extraction.backbones.tflite import TFLiteFunction
from ac_keras.extraction.backbones.tflite import make_interpreter
from ac_keras.utils.optional_imports import import_optional


@dataclasses.dataclass(frozen=True)
class Signature:
    """Input and outputs of a model file.

    Attributes:
        shape: Shape of the input with its batch; None where it is open.
        dtype: Its NumPy dtype.
        outputs: Names of the outputs.
    """

    shape: tuple[int | None, ...]
    dtype: np.dtype
    outputs: tuple[str, ...]


class TFLiteRunner:
    """Runs a `.tflite` file, input by input.

    Quantized inputs and outputs are converted from and to real values.
    """

    def __init__(self, path: pathlib.Path):
        self._content = path.read_bytes()
        self._run = make_interpreter(self._content)
        details = self._run.get_input_details()
        _check_one_input([x["name"] for x in details])
        shape = details[0].get("shape_signature", details[0]["shape"])
        self.signature = Signature(
            tuple(int(x) if x > 0 else None for x in shape),
            np.dtype(details[0]["dtype"]),
            tuple(x["name"] for x in self._run.get_output_details()),
        )
        self.quantization = details[0]["quantization"]

    def prepare(self, shape: tuple[int, ...], output: str):
        """Returns the function from `(batch, *shape)` to an output."""
        has_batch = len(shape) < len(self.signature.shape)
        function = TFLiteFunction(self._content, shape, output, has_batch)
        return lambda inputs: np.stack([function(x) for x in inputs])


class OnnxRunner:
    """Runs a `.onnx` file by ONNX Runtime, on one thread."""

    quantization = (0.0, 0)

    def __init__(self, path: pathlib.Path):
        onnxruntime = import_optional("onnxruntime", "onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()
        _check_one_input([x.name for x in inputs])
        dtypes = {"tensor(float)": "float32", "tensor(float16)": "float16"}
        kind = inputs[0].type
        self._name = inputs[0].name
        self.signature = Signature(
            tuple(x if isinstance(x, int) else None for x in inputs[0].shape),
            np.dtype(dtypes.get(kind) or kind[len("tensor(") : -1]),
            tuple(x.name for x in self._session.get_outputs()),
        )

    def prepare(self, shape: tuple[int, ...], output: str):
        """Returns the function from `(batch, *shape)` to an output."""

        def run(inputs):
            return self._session.run([output], {self._name: inputs})[0]

        return _batch_by_batch(run, self.signature.shape, shape)


class SavedModelRunner:
    """Runs the signature `serving_default` of a SavedModel folder."""

    quantization = (0.0, 0)

    def __init__(self, path: pathlib.Path):
        self._model = tf.saved_model.load(str(path))
        signatures = self._model.signatures
        if "serving_default" not in signatures:
            raise ValueError(
                "Expected a SavedModel with the signature serving_default. "
                f"Received: signatures {list(signatures) or 'none'}. Export "
                "it with Keras's model.export(path)."
            )
        self._function = signatures["serving_default"]
        inputs = self._function.structured_input_signature[1]
        _check_one_input(list(inputs))
        ((self._name, spec),) = inputs.items()
        self.signature = Signature(
            tuple(spec.shape.as_list()),
            np.dtype(spec.dtype.as_numpy_dtype),
            tuple(sorted(self._function.structured_outputs)),
        )

    def prepare(self, shape: tuple[int, ...], output: str):
        """Returns the function from `(batch, *shape)` to an output."""

        def run(inputs):
            outputs = self._function(**{self._name: tf.constant(inputs)})
            return outputs[output].numpy()

        return _batch_by_batch(run, self.signature.shape, shape)


RUNNERS = {
    ".tflite": TFLiteRunner,
    ".onnx": OnnxRunner,
    ".saved_model": SavedModelRunner,
}


def _check_one_input(names):
    if len(names) != 1:
        raise ValueError(
            "Expected a model with one input. Received: inputs "
            f"{', '.join(names) or 'none'}. Export the part from the image or "
            "the audio to the features."
        )


def _batch_by_batch(run, given, shape):
    """Runs a model whose number of inputs per call may be fixed."""
    if len(given) == len(shape):  # a single input without a batch
        return lambda inputs: np.stack([run(x) for x in inputs])
    size = given[0]
    if size is None:
        return run

    def run_all(inputs):
        parts = []
        for first in range(0, len(inputs), size):
            part = inputs[first : first + size]
            count = len(part)
            padding = [(0, size - count)] + [(0, 0)] * (part.ndim - 1)
            parts.append(run(np.pad(part, padding))[:count])
        return np.concatenate(parts)

    return run_all
