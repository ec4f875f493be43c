"""RGB networks adapted to inputs of many channels, such as stacked flow."""

import copy
import dataclasses

import keras
import numpy as np

from ac_keras.extraction.media.frame_times import is_positive_integer

MAX_PIXEL = 255
TOLERANCE = 3e-3  # of the largest value, for preprocessing in float16


def inflate_input(model_rgb: keras.Model, channels: int) -> keras.Model:
    """Adapts an RGB network to images of many channels.

    Each filter of the first convolution becomes its mean over RGB, copied to
    all channels and scaled by 3 / channels, so that its sum over channels
    stays. All other weights are copied. Preprocessing becomes its mean over
    RGB: one scale and one offset for all channels.

    The new network maps a gray image copied to all channels to the same
    features as the RGB network, if preprocessing treats the colors alike. If
    it subtracts a different mean from each color, this holds for an image with
    the tint of that mean. Zero motion, the middle of 0..255, is seen as gray.

    Args:
        model_rgb: A functional or sequential network with pixel values 0..255,
            `(batch, height, width, 3)`, as its input, and one output. All
            paths from its input lead through one `Conv2D`, before which only a
            scale, a shift or a permutation of colors and `ZeroPadding2D` are
            allowed. Nested networks are supported. It is not changed.
        channels: Number of channels, 2 per pair of frames.

    Returns:
        A new network with input `(batch, height, width, channels)` and the
        same output shape.

    Raises:
        ValueError: If the network has another structure, or channels is not
            positive.

    References:
        Wang et al., Temporal Segment Networks, ECCV 2016, section 3.2
        (cross-modality pre-training), there without the factor
        3 / channels. It keeps the convolution's output in the range that the
        following layers were trained on.
    """
    return widen_input(model_rgb, channels, averaged=True)


def widen_input(
    model: keras.Model, channels: int, averaged: bool
) -> keras.Model:
    """Adapts a network to many channels, like `inflate_input`, trained or not.

    If `averaged`, the first convolution receives the mean of its filters;
    otherwise it is initialized again, for training from scratch.
    """
    if not is_positive_integer(channels):
        raise ValueError(
            "inflate_input expects 1 channel or more. Received: "
            f"channels={channels!r}. Pass 2 for each pair of frames of a stack."
        )
    inputs = getattr(model, "inputs", None) or []
    outputs = getattr(model, "outputs", None) or []
    shapes = [tuple(x.shape) for x in inputs]
    if (
        len(inputs) != 1
        or len(outputs) != 1
        or len(shapes[0]) != 4
        or shapes[0][-1] is None
    ):
        raise ValueError(
            "inflate_input expects a functional or sequential model with one "
            "input (batch, height, width, 3) and one output. Received: "
            f"a {type(model).__name__} with inputs of shapes {shapes} and "
            f"{len(outputs)} outputs. Build it as keras.Model(pixels, "
            "features)."
        )
    identity = _ColorTransform.identity(shapes[0][-1])
    return _widen(model, int(channels), identity, averaged)


@dataclasses.dataclass(frozen=True)
class _ColorTransform:
    """Effect of preprocessing on a pixel: `matrix @ pixel + offset`."""

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def identity(cls, channels):
        return cls(np.eye(channels), np.zeros(channels))

    def then(self, other):
        """Returns the composition of both, this one first."""
        return _ColorTransform(
            other.matrix @ self.matrix,
            other.matrix @ self.offset + other.offset,
        )


@dataclasses.dataclass(frozen=True)
class _Parts:
    """A network, split at its first convolution."""

    colors: _ColorTransform
    padding: list[keras.layers.Layer]
    gate: keras.layers.Layer
    rest: keras.Model | None


def _widen(model, channels, colors, averaged):
    parts = _split_at_convolution(model)
    colors = colors.then(parts.colors)
    shape = (*model.inputs[0].shape[1:3], channels)
    pixels = keras.Input(shape, name="pixels")
    if isinstance(parts.gate, keras.Model):
        x = _widen(parts.gate, channels, colors, averaged)(pixels)
    else:
        x = _convolve(parts, pixels, colors, averaged)
    outputs = x if parts.rest is None else parts.rest(x)
    return keras.Model(pixels, outputs, name=model.name)


def _convolve(parts, pixels, colors, averaged):
    """Applies new layers: preprocessing, padding and the convolution."""
    scale = colors.matrix.sum(axis=1).mean()
    black = np.linalg.solve(colors.matrix, -colors.offset).mean()
    x = keras.layers.Rescaling(
        float(scale), float(-scale * black), name="preprocessing"
    )(pixels)
    for layer in parts.padding:
        x = type(layer).from_config(layer.get_config())(x)
    layer = type(parts.gate).from_config(parts.gate.get_config())
    x = layer(x)
    kernel, *bias = parts.gate.get_weights()
    if averaged:
        of_pixels = np.einsum("hwof,oi->hwif", kernel, colors.matrix / scale)
        mean = of_pixels.sum(axis=2, keepdims=True) / pixels.shape[-1]
        layer.set_weights([np.repeat(mean, pixels.shape[-1], axis=2), *bias])
    return x


def _split_at_convolution(model):
    """Returns the `_Parts` of a copy of a network, or raises ValueError."""
    model, calls = _trace(model)
    made = {id(outputs): (layer, x) for layer, x, outputs in calls}
    first = [call for call in calls if _convolves(call[0])]
    if not first:
        raise _structure_error(model, "no Conv2D")
    gate, tensor, outputs = first[0]
    padding = []
    while not isinstance(gate, keras.Model) and isinstance(
        made.get(id(tensor), (None, None))[0], keras.layers.ZeroPadding2D
    ):
        layer, tensor = made[id(tensor)]
        padding.insert(0, layer)
    colors = _measure(model, tensor, gate)
    rest = None
    if outputs is not model.outputs[0]:
        try:
            rest = keras.Model(outputs, model.outputs[0], name="rest")
        except ValueError as error:
            reason = f"another path around {gate.name}"
            raise _structure_error(model, reason) from error
    return _Parts(colors, padding, gate, rest)


def _trace(model):
    """Copies a network and lists its calls as layer, input and output."""
    calls = []

    def call(operation, *args, **kwargs):
        outputs = operation(*args, **kwargs)
        tensors = [
            x
            for x in keras.tree.flatten((args, kwargs))
            if isinstance(x, keras.KerasTensor)
        ]
        calls.append((operation, tensors[0], outputs))
        return outputs

    # A new model: copied without what it was compiled with.
    private = copy.deepcopy(
        keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    )
    called = keras.models.clone_model(
        private, clone_function=lambda operation: operation, call_function=call
    )
    return called, calls


def _convolves(operation):
    if isinstance(operation, keras.Model):
        return any(map(_convolves, operation.layers))
    return (
        isinstance(operation, keras.layers.Conv2D)
        and operation.groups == 1
        and operation.data_format == "channels_last"
    )


def _measure(model, tensor, gate):
    """Measures the transform of pixels on their path to the convolution."""
    _, height, width, channels = model.inputs[0].shape
    if tensor is model.inputs[0]:
        return _ColorTransform.identity(channels)
    shape = (height or 8, width or 8, channels)
    black_and_colors = np.zeros((channels + 1, *shape), np.float32)
    for channel in range(channels):
        black_and_colors[channel + 1, ..., channel] = MAX_PIXEL
    noise = np.random.default_rng(0).integers(0, MAX_PIXEL + 1, (2, *shape))
    images = np.concatenate([black_and_colors, noise.astype(np.float32)])
    before = keras.Model(model.inputs[0], tensor)
    # Also in training, to find random augmentation.
    results = [
        keras.ops.convert_to_numpy(before(images, training=training))
        for training in (False, True)
    ]
    if results[0].shape != images.shape:
        reason = f"{results[0].shape[1:]} before {gate.name}"
        raise _structure_error(model, reason)
    result = results[0].astype(float)
    offset = result[0, 0, 0]
    matrix = (result[1 : channels + 1, 0, 0] - offset).T / MAX_PIXEL
    expected = images @ matrix.T + offset
    tolerance = TOLERANCE * np.abs(expected).max()
    for found in results:
        if not np.allclose(found, expected, rtol=0, atol=tolerance):
            raise _structure_error(model, f"more than that before {gate.name}")
    if np.linalg.matrix_rank(matrix) < channels or abs(matrix.sum()) < 1e-9:
        raise _structure_error(model, f"lost colors before {gate.name}")
    return _ColorTransform(matrix, offset)


def _structure_error(model, received):
    return ValueError(
        "inflate_input expects a network in which all paths from the input "
        "lead through one Conv2D, with nothing before it but a scale, a shift "
        "or a permutation of colors and ZeroPadding2D. Received: "
        f"model={model.name!r} with {received}. Remove augmentation and other "
        "layers, or build a network for these channels yourself."
    )
