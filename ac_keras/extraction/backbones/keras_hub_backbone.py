"""Image backbones of KerasHub, where that package is installed."""

from collections.abc import Mapping
from typing import Any

import keras

from ac_keras.utils.optional_imports import import_optional

PREFIX = "keras_hub:"
DEFAULT_SIDE = 224
OTHERWISE = (
    ", in an environment with the Keras and TensorFlow that it needs, or "
    "convert the network to a .keras, .tflite or .onnx file there"
)


def preset_of(source: str | None) -> str | None:
    """Returns PRESET of `keras_hub:PRESET`, None for other sources."""
    if source and source.startswith(PREFIX):
        return source.removeprefix(PREFIX)
    return None


def import_keras_hub():
    """Imports KerasHub.

    Raises:
        ImportError: If it is not installed, or needs another Keras.
    """
    return import_optional("keras_hub", "keras_hub", OTHERWISE)


def preset_side(preset: str) -> int:
    """Returns the side of the images that a preset was trained on."""
    size = getattr(_converter(preset), "image_size", None)
    return DEFAULT_SIDE if size is None else int(size[0])


def keras_hub_backbone(
    preset: str,
    input_shape: tuple[int, int, int],
    weights: str | None,
    given: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Builds a model from pixels 0..255 to a feature.

    The preset's scale and offset of pixels are part of the model. Its feature
    map or tokens are averaged.

    Args:
        preset: Name of a preset, or the path of a saved one.
        input_shape: `(height, width, channels)`.
        weights: None for random weights, otherwise the preset's.
        given: `scale` and `offset` instead of the preset's.

    Raises:
        ImportError: If KerasHub is not installed.
        ValueError: If the preset cannot be loaded or takes other inputs.
    """
    hub = import_keras_hub()
    unknown = sorted(set(given or {}) - {"scale", "offset"})
    if unknown:
        raise ValueError(
            "Expected scale and offset alone for a preset of KerasHub. "
            f"Received: {', '.join(unknown)}. Leave them out."
        )
    try:
        network = hub.models.Backbone.from_preset(
            preset, load_weights=weights is not None
        )
    except Exception as error:  # as of a download
        raise ValueError(
            f"Expected a preset that KerasHub can load. Received: {preset!r}: "
            f"{error} Pass a name of keras_hub.models.Backbone.presets, or the "
            "folder of a saved preset."
        ) from error
    values = {**_pixel_range(preset), **(given or {})}
    if "scale" not in values:
        raise ValueError(
            "Expected the scale of pixels, as the preset has no image "
            f"converter. Received: {preset!r} without it. Pass it with "
            "--rgb_input=scale=VALUE,offset=VALUE."
        )
    pixels = keras.Input(input_shape, name="pixels")
    scaled = keras.layers.Rescaling(values["scale"], values.get("offset", 0))(
        pixels
    )
    try:
        features = network(_as_input(network, scaled))
    except Exception as error:  # Keras raises any.
        raise ValueError(
            f"Expected a preset of images {input_shape}. Received: {preset!r}, "
            f"which fails with: {error} Pass another --crop or preset."
        ) from error
    shape = getattr(features, "shape", ())
    if len(shape) == 4:
        features = keras.layers.GlobalAveragePooling2D()(features)
    elif len(shape) == 3:
        features = keras.layers.GlobalAveragePooling1D()(features)
    elif len(shape) != 2:
        raise ValueError(
            "Expected a preset with one feature map or one sequence of tokens "
            f"as output. Received: {preset!r} with outputs "
            f"{list(features) if isinstance(features, dict) else shape}. Pass "
            "another preset."
        )
    features = keras.layers.Activation("linear", dtype="float32")(features)
    return keras.Model(pixels, features)


def _converter(preset):
    hub = import_keras_hub()
    try:
        return hub.layers.ImageConverter.from_preset(preset)
    except Exception:  # Presets without a converter raise any.
        return None


def _pixel_range(preset):
    converter = _converter(preset)
    values = {
        name: getattr(converter, name, None) for name in ("scale", "offset")
    }
    return {
        name: list(x) if isinstance(x, list | tuple) else x
        for name, x in values.items()
        if x is not None
    }


def _as_input(network, images):
    inputs = network.input
    if not isinstance(inputs, dict):
        return images
    if len(inputs) != 1:
        raise ValueError(f"it has the inputs {', '.join(inputs)}")
    return {name: images for name in inputs}
