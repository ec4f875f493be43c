"""Backbones that users have saved."""

import os

import keras
import numpy as np

HIGHEST = 255  # of a pixel


def load_saved_backbone(
    path: str | os.PathLike, input_shape: tuple[int, ...]
) -> keras.Model:
    """Loads a saved model and makes sure that it can be a backbone.

    Args:
        path: A `.keras` file.
        input_shape: `(height, width, channels)` of what it will get.

    Returns:
        The model, not compiled, as it was saved.

    Raises:
        ValueError: If the file cannot be loaded, takes other inputs than one
            `(batch, height, width, channels)` of this shape, or gives other
            than one `(batch, dim)` of finite numbers.
    """
    path, input_shape = os.fspath(path), tuple(input_shape)
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Any layer of the user's may fail in any way.
        raise ValueError(
            "load_saved_backbone expects a .keras file that Keras can load. "
            f"Received: {path!r}; Keras says: {error}\nSave it with "
            "model.save(path), and register layers of your own where they are "
            "imported before this."
        ) from error
    _check_inputs(model, path, input_shape)
    _check_features(_try_out(model, path, input_shape), path)
    return model


def _check_inputs(model, path, input_shape):
    """Compares the shapes; a subclassed model does not tell its own."""
    inputs = getattr(model, "inputs", None)
    if inputs is None:
        return
    shapes = [tuple(x.shape) for x in inputs]
    fits = (
        len(shapes) == 1
        and len(shapes[0]) == 4
        and all(
            own in (None, given)
            for own, given in zip(shapes[0][1:], input_shape, strict=True)
        )
    )
    if not fits:
        raise _input_refusal(path, input_shape, f"inputs of shapes {shapes}")


def _try_out(model, path, input_shape):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, HIGHEST + 1, (1, *input_shape)).astype(np.float32)
    try:
        return model(pixels, training=False)
    except Exception as error:  # As in loading.
        reason = f"a call that fails with: {error}\n"
        raise _input_refusal(path, input_shape, reason) from error


def _input_refusal(path, input_shape, received):
    return ValueError(
        "load_saved_backbone expects a model of one input (batch, height, "
        f"width, channels), here {('batch', *input_shape)}. Received: "
        f"{path!r} with {received}. Give the size that it was built for; "
        "inflate_input makes a network of RGB take more channels."
    )


def _check_features(features, path):
    shape = getattr(features, "shape", None)  # of several outputs none
    if shape is None or len(shape) != 2:
        received = f"an output of shape {tuple(shape or ())}"
        if shape is None:
            received = f"{len(features)} outputs"
        raise ValueError(
            "load_saved_backbone expects a model of one output (batch, dim). "
            f"Received: {path!r} with {received}. End it in "
            "GlobalAveragePooling2D, and save it without its classes."
        )
    values = keras.ops.convert_to_numpy(features).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(
            "load_saved_backbone expects finite features of values 0..255. "
            f"Received: {path!r}, of whose features for a random picture "
            f"{(~np.isfinite(values)).sum()} are not. Scale pixels within "
            "the model, and train it anew if its weights are not finite."
        )
