"""TFLite models, run by TensorFlow's interpreter."""

import warnings

import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils


def make_interpreter(content: bytes):
    """Returns an interpreter of a TFLite model on one thread.

    Raises:
        ValueError: If the bytes are not a TFLite model, or a truncated one.
    """
    try:
        flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    except Exception as error:  # The interpreter would crash the process.
        raise ValueError(
            "Expected a TFLite model. Received: another or a truncated file "
            f"({error}). Copy it again."
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its move to ai_edge_litert
        return tf.lite.Interpreter(model_content=content, num_threads=1)


class TFLiteFunction:
    """A TFLite model with one input.

    The input's first axis is set to 1, and its other axes to `shape`: the
    interpreter keeps one plan of its memory for all calls.

    Args:
        content: The model's file.
        shape: Shape of an input without its batch.
        output: Name of the output; None takes the first.
        has_batch: False if the model's input has no batch axis.
    """

    def __init__(
        self,
        content: bytes,
        shape: tuple[int, ...],
        output: str | None = None,
        has_batch: bool = True,
    ):
        self._run = make_interpreter(content)
        (self._input,) = self._run.get_input_details()
        self._output = next(
            x
            for x in self._run.get_output_details()
            if output in (None, x["name"])
        )
        self._has_batch = has_batch
        self._shape = (1, *shape) if has_batch else tuple(shape)
        self._run.resize_tensor_input(self._input["index"], self._shape)
        self._run.allocate_tensors()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Computes the output of one input, dequantized, without its batch."""
        value = inputs.reshape(self._shape)
        self._run.set_tensor(
            self._input["index"], value.astype(self._input["dtype"], copy=False)
        )
        self._run.invoke()
        result = self._run.get_tensor(self._output["index"])
        scale, zero = self._output["quantization"]
        if scale:
            result = np.float32(scale) * (result.astype(np.float32) - zero)
        return result[0] if self._has_batch else result
