"""Networks of colour pictures, made to take many channels."""

import keras
import numpy as np

from ac_keras.extraction.input_convolution import Colours
from ac_keras.extraction.input_convolution import cut_at_convolution


def inflate_input(model_rgb: keras.Model, channels: int) -> keras.Model:
    """Makes a network of RGB pictures take pictures of many channels.

    Each filter of the first convolution becomes its mean over RGB, copied to
    all channels and scaled by 3 / channels, so that its sum over channels
    stays. All other weights are copied. Preprocessing becomes its own mean
    over RGB: one scale and one offset for all channels, so that a channel's
    bytes are seen as a colour's are.

    A gray picture copied to all channels therefore gives what the RGB network
    gives for it, if preprocessing treats the colours alike. If it subtracts
    another mean from each colour, the RGB network must see the picture in the
    tint of that mean. No motion, the middle of 0..255, is seen as plain gray.

    Args:
        model_rgb: A functional or sequential network from pixel values 0..255,
            `(batch, height, width, 3)`, to one output. All ways from its input
            lead through one `Conv2D`, with nothing before it but a scale, a
            shift or a swap of colours and `ZeroPadding2D`. Networks within the
            network are fine. It stays as it is.
        channels: How many channels to take, 2 for each pair of frames.

    Returns:
        A new network from `(batch, height, width, channels)` to what the given
        one gives.

    Raises:
        ValueError: If the network is not such a one, or channels is below 1.

    References:
        Wang et al., Temporal Segment Networks, ECCV 2016, section 3.2
        (cross-modality pre-training), there without the factor
        3 / channels. It keeps what the convolution gives in the range that
        the layers behind it have learnt.
    """
    return widen_input(model_rgb, channels, averaged=True)


def widen_input(
    model: keras.Model, channels: int, averaged: bool
) -> keras.Model:
    """Makes a network take many channels, trained or not.

    Args:
        model: As in `inflate_input`.
        channels: As there.
        averaged: Whether the first convolution receives the mean of its
            filters; else they are drawn anew, for training from scratch.

    Returns:
        The new network.

    Raises:
        ValueError: As there.
    """
    if (
        isinstance(channels, bool)
        or not isinstance(channels, int | np.integer)
        or channels < 1
    ):
        raise ValueError(
            "inflate_input expects 1 channel or more. Received: "
            f"channels={channels!r}. Give 2 for each pair of frames of a stack."
        )
    colours = _checked_input(model)
    return _widened(model, int(channels), colours, averaged)


def _checked_input(model):
    """What happens to pixels before the network: nothing."""
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
    count = shapes[0][-1]
    return Colours(np.eye(count), np.zeros(count))


def _widened(model, channels, colours, averaged):
    parts = cut_at_convolution(model)
    colours = colours.then(parts.colours)
    shape = (*model.inputs[0].shape[1:3], channels)
    pixels = keras.Input(shape, name="pixels")
    if isinstance(parts.gate, keras.Model):
        x = _widened(parts.gate, channels, colours, averaged)(pixels)
    else:
        x = _convolve(parts, pixels, colours, averaged)
    outputs = x if parts.rest is None else parts.rest(x)
    return keras.Model(pixels, outputs, name=model.name)


def _convolve(parts, pixels, colours, averaged):
    """Calls preprocessing, padding and the convolution, all of them new."""
    scale = colours.matrix.sum(axis=1).mean()
    black = np.linalg.solve(colours.matrix, -colours.offset).mean()
    x = keras.layers.Rescaling(
        float(scale), float(-scale * black), name="preprocessing"
    )(pixels)
    for layer in parts.padding:
        x = type(layer).from_config(layer.get_config())(x)
    layer = type(parts.gate).from_config(parts.gate.get_config())
    x = layer(x)
    kernel, *bias = parts.gate.get_weights()
    if averaged:
        of_pixels = np.einsum("hwof,oi->hwif", kernel, colours.matrix / scale)
        mean = of_pixels.sum(axis=2, keepdims=True) / pixels.shape[-1]
        layer.set_weights([np.repeat(mean, pixels.shape[-1], axis=2), *bias])
    return x
