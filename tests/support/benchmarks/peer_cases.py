"""Small peers and their expected results."""

import numpy as np
import pytest

from peers import setting as settings
from support.benchmarks import numpy_clusters

SMALL = settings.Setting(
    batch_size=6,
    num_frames=5,
    modalities={"rgb": (7, 3), "audio": (4, 1)},
    num_classes=5,
    dropout=0.0,
    clip_norm=0.3,
    learning_rate=0.1,
)
PEERS = (
    "keras_loop",
    "keras_batched",
    "torch_loop",
    "torch_batched",
    "paddle_loop",
    "paddle_batched",
)


def make_peer(name, setting, seed=0):
    """Makes a peer, with a batch, or skips where it cannot be imported."""
    package, _, variant = name.partition("_")
    if package == "torch":
        pytest.importorskip("torch")
        from peers.torch_clusters import TorchClusters

        peer = TorchClusters(setting, seed, variant)
    elif package == "paddle":
        pytest.importorskip("paddle")
        from peers.paddle_clusters import PaddleClusters

        peer = PaddleClusters(setting, seed, variant)
    else:
        skip_without_tensorflow()
        from peers.plain_keras import PlainKeras

        peer = PlainKeras(setting, seed, variant)
    peer.load_batch(*settings.draw_batch(setting, 1))
    return peer


def skip_without_tensorflow():
    """Skips where Keras does not compute with it."""
    pytest.importorskip("tensorflow")
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras computes with another backend.")


def draw_weights(seed=5):
    """Draws weights all of which matter."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.standard_normal(shape, "float32")
        for name, shape in SMALL.weight_shapes().items()
    }


def clip(gradients, clip_norm):
    """Gradients of this L2 norm, all together."""
    norm = np.sqrt(sum(np.sum(x**2) for x in gradients.values()))
    assert norm > clip_norm  # Or clipping would not be seen.
    return {name: x * clip_norm / norm for name, x in gradients.items()}


def first_change(name, optimizer, gradient):
    """Computes a weight's change in a peer's first step, learning rate 1."""
    if optimizer == "sgd":
        return gradient
    if optimizer == "adam":
        # Keras adds epsilon before the moments are corrected for their start.
        scale = 1 if name.startswith(("torch", "paddle")) else 0.001**0.5
        return gradient / (np.abs(gradient) + settings.EPSILON / scale)
    square = (1 - settings.RMSPROP_DECAY) * gradient**2
    if name.startswith("torch"):
        return gradient / (np.sqrt(square) + settings.EPSILON)
    return gradient / np.sqrt(square + settings.EPSILON)


def reference(weights):
    """Probabilities and gradients of the small batch."""
    return numpy_clusters.classify(*settings.draw_batch(SMALL, 1), weights)
