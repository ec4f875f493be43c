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
