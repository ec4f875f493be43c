"""Networks of colour pictures, made to take many channels."""

import copy
import dataclasses

import keras
import numpy as np

WHITE = 255  # pixel values are 0..255
TOLERANCE = 3e-3  # of the largest value, for preprocessing in float16


@dataclasses.dataclass(frozen=True)
class Colours:
    """What preprocessing does to a pixel: `matrix @ pixel + offset`."""

    matrix: np.ndarray
    offset: np.ndarray

    def then(self, other: "Colours") -> "Colours":
        """Gives what both do in turn."""
        return Colours(
            other.matrix @ self.matrix,
            other.matrix @ self.offset + other.offset,
        )


@dataclasses.dataclass(frozen=True)
class Parts:
    """A network, cut at its first convolution.

    Attributes:
        colours: What happens to pixels before it.
        padding: Layers between that and the convolution.
        gate: The convolution, or the network within the network that has it.
        rest: The network behind it, or None where nothing is.
    """

    colours: Colours
    padding: list[keras.layers.Layer]
    gate: keras.layers.Layer
    rest: keras.Model | None


def cut_at_convolution(model: keras.Model) -> Parts:
    """Finds the first convolution and what is before and behind it.

    Args:
        model: A functional or sequential network with one input, pixels of
            values 0..255, and one output. It stays as it is.

    Returns:
        Parts of a copy.

    Raises:
        ValueError: If other than the colours of single pixels is changed
            before the first `Conv2D`, or there is a way around it.
    """
    model, calls = _traced(model)
    made = {id(outputs): (layer, x) for layer, x, outputs in calls}
    first = [call for call in calls if _convolves(call[0])]
    if not first:
        raise _refusal(model, "no Conv2D")
    gate, tensor, outputs = first[0]
    padding = []
    while not isinstance(gate, keras.Model) and isinstance(
        made.get(id(tensor), (None, None))[0], keras.layers.ZeroPadding2D
    ):
        layer, tensor = made[id(tensor)]
        padding.insert(0, layer)
    colours = _measure(model, tensor, gate)
    rest = None
    if outputs is not model.outputs[0]:
        try:
            rest = keras.Model(outputs, model.outputs[0], name="rest")
        except ValueError as error:
            raise _refusal(model, f"another way around {gate.name}") from error
    return Parts(colours, padding, gate, rest)


def _traced(model):
    """Copies a network, and lists its calls: layer, input and output."""
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
    """Measures what happens to pixels on their way to the convolution."""
    _, height, width, channels = model.inputs[0].shape
    if tensor is model.inputs[0]:
        return Colours(np.eye(channels), np.zeros(channels))
    shape = (height or 8, width or 8, channels)
    black_and_colours = np.zeros((channels + 1, *shape), np.float32)
    for channel in range(channels):
        black_and_colours[channel + 1, ..., channel] = WHITE
    noise = np.random.default_rng(0).integers(0, WHITE + 1, (2, *shape))
    images = np.concatenate([black_and_colours, noise.astype(np.float32)])
    before = keras.Model(model.inputs[0], tensor)
    # Random changes must not be lost unseen.
    results = [
        keras.ops.convert_to_numpy(before(images, training=training))
        for training in (False, True)
    ]
    if results[0].shape != images.shape:
        raise _refusal(model, f"{results[0].shape[1:]} before {gate.name}")
    result = results[0].astype(float)
    offset = result[0, 0, 0]
    matrix = (result[1 : channels + 1, 0, 0] - offset).T / WHITE
    expected = images @ matrix.T + offset
    tolerance = TOLERANCE * np.abs(expected).max()
    for found in results:
        if not np.allclose(found, expected, rtol=0, atol=tolerance):
            raise _refusal(model, f"more than that before {gate.name}")
    if np.linalg.matrix_rank(matrix) < channels or abs(matrix.sum()) < 1e-9:
        raise _refusal(model, f"colours that get lost before {gate.name}")
    return Colours(matrix, offset)


def _refusal(model, received):
    return ValueError(
        "inflate_input expects a network all of whose ways from its input lead "
        "through one Conv2D, with nothing before it but a scale, a shift or a "
        "swap of colours and ZeroPadding2D. Received: "
        f"model={model.name!r} with {received}. Leave augmentation and other "
        "layers out of it, or write a network for these channels yourself."
    )


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
