"""A model's computation on dense inputs, for converters."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

import keras
import tensorflow as tf


def input_specs(model: keras.Model) -> list[tf.TensorSpec]:
    """Gives the inputs by name, dtype and shape; batch and frames are free."""
    return [
        tf.TensorSpec(x.shape, x.dtype, name) for name, x in model.input.items()
    ]


def dense_function(model: keras.Model) -> tf.types.experimental.GenericFunction:
    """Makes a function of a model that has its weights as constants.

    A graph with the variables of Keras 3 is no use to LiteRT: its converter
    ends the process, or takes them for empty ones, by TensorFlow's version.

    Args:
        model: A model of `cluster_classifier` that computes in float32.

    Returns:
        A function of the inputs, in the order of `input_specs`, that gives
        `probabilities`, float32 `(batch, num_classes)`.

    Raises:
        ValueError: If the model computes in another dtype.
    """
    _check_float32(model)
    trainable = [x.numpy() for x in model.trainable_variables]
    others = [x.numpy() for x in model.non_trainable_variables]
    specs = input_specs(model)

    @tf.function(input_signature=specs, autograph=False)
    def serve(*inputs):
        probabilities, _ = model.stateless_call(
            [tf.constant(x) for x in trainable],
            [tf.constant(x) for x in others],
            {spec.name: x for spec, x in zip(specs, inputs, strict=True)},
            training=False,
        )
        return {"probabilities": probabilities}

    return serve


@contextlib.contextmanager
def dense_saved_model(model: keras.Model) -> Iterator[pathlib.Path]:
    """Gives the folder of a SavedModel of `dense_function` for a while."""
    module = tf.Module()
    module.serve = dense_function(model)
    signature = module.serve.get_concrete_function()
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, {"serving_default": signature})
        yield pathlib.Path(directory)


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
            "Build it anew under the policy float32 and set its weights."
        )
