"""TFLite models, run by TensorFlow's interpreter or LiteRT's."""

import warnings

import numpy as np
import tensorflow as tf

from ac_keras.utils.optional_imports import import_optional


def make_interpreter(content: bytes):
    """Returns an interpreter of a TFLite model on one thread.

    Raises:
        ImportError: If TensorFlow has no interpreter and LiteRT is missing.
        ValueError: If the bytes are not a TFLite model.
    """
    make = getattr(tf.lite, "Interpreter", None)
    if make is None:
        litert = import_optional("ai_edge_litert.interpreter", "tflite")
        make = litert.Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its move to ai_edge_litert
        return make(model_content=content, num_threads=1)


class TFLiteFunction:
    """A TFLite model with one input and one output.

    Its first axis is set to 1 and other unknown axes as `shape` defines: the
    interpreter keeps one plan of its memory for all calls.

    Args:
        content: The model's file.
        shape: Shape of an input without the first axis; None takes the
            model's.

    Raises:
        ValueError: If the model has another number of inputs or outputs, or
            does not take the shape.
    """

    def __init__(self, content: bytes, shape: tuple[int, ...] | None = None):
        self._run = make_interpreter(content)
        inputs = self._run.get_input_details()
        outputs = self._run.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(
                "Expected a TFLite model with one input and one output. "
                f"Received: {len(inputs)} inputs and {len(outputs)} outputs. "
                "Convert the model with its features as the only output."
            )
        self.input, self.output = inputs[0], outputs[0]
        if shape is None:
            shape = tuple(self.input["shape"][1:].tolist())
        self._run.resize_tensor_input(self.input["index"], [1, *shape])
        self._run.allocate_tensors()
        self.shape = shape

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Computes the output of one input, which has no batch axis."""
        value = inputs[None].astype(self.input["dtype"], copy=False)
        self._run.set_tensor(self.input["index"], value)
        self._run.invoke()
        return self._run.get_tensor(self.output["index"])[0]
