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
    path = os.fspath(path)
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Any layer of the user's may fail in any way.
        raise ValueError(
            "A backbone is expected to be a .keras file that Keras can load. "
            f"Received: {path!r}; Keras says: {error}\nSave it with "
            "model.save(path), and register layers of your own where they are "
            "imported before this."
        ) from error
    _check_input(model, path, tuple(input_shape))
    _check_output(model, path, tuple(input_shape))
    return model


def _check_input(model, path, input_shape):
    shapes = [tuple(x.shape) for x in model.inputs or []]
    fits = (
        len(shapes) == 1
        and len(shapes[0]) == 4
        and all(
            own in (None, given)
            for own, given in zip(shapes[0][1:], input_shape, strict=True)
        )
    )
    if not fits:
        raise ValueError(
            "A backbone is expected to take one input (batch, height, width, "
            f"channels), here {('batch', *input_shape)}. Received: {path!r} "
            f"with inputs of shapes {shapes}. Give the size that it was built "
            "for; inflate_input makes a network of RGB take more channels."
        )


def _check_output(model, path, input_shape):
    shapes = [tuple(x.shape) for x in model.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] is None:
        raise ValueError(
            "A backbone is expected to give one output (batch, dim). Received: "
            f"{path!r} with outputs of shapes {shapes}. End it in "
            "GlobalAveragePooling2D, and save it without its classes."
        )
    values = np.random.default_rng(0).integers(
        0, HIGHEST + 1, (1, *input_shape)
    )
    features = model(values.astype(np.float32), training=False)
    features = keras.ops.convert_to_numpy(features)
    if not np.isfinite(features.astype(np.float32)).all():
        raise ValueError(
            "A backbone is expected to give finite numbers for values 0..255. "
            f"Received: {path!r}, of whose features for a random picture "
            f"{(~np.isfinite(features)).sum()} are not. Scale pixels within "
            "the model, and train it anew if its weights are not finite."
        )
