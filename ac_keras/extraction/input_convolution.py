"""Where a network first looks at more than one pixel."""

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
