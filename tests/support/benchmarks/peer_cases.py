"""Small peers and their expected results."""

import pkgutil

import numpy as np
import pytest

from peers import setting as settings

SMALL = settings.Setting(
    batch_size=6,
    num_frames=5,
    modalities={"rgb": (7, 3), "audio": (4, 1)},
    num_classes=5,
    dropout=0.0,
    clip_norm=0.3,
    learning_rate=0.1,
)
PEERS = {  # The package, the class, and its variant.
    "keras_loop": ("tensorflow", "plain_keras.PlainKeras", "loop"),
    "keras_batched": ("tensorflow", "plain_keras.PlainKeras", "batched"),
    "torch_loop": ("torch", "torch_clusters.TorchClusters", "loop"),
    "torch_batched": ("torch", "torch_clusters.TorchClusters", "batched"),
    "paddle_loop": ("paddle", "paddle_clusters.PaddleClusters", "loop"),
    "paddle_batched": ("paddle", "paddle_clusters.PaddleClusters", "batched"),
}


def make_peer(name, setting, seed=0):
    """Makes a peer, with a batch, or skips where it cannot be imported."""
    package, path, variant = PEERS[name]
    pytest.importorskip(package)
    if package == "tensorflow":
        skip_without_tensorflow()
    peer = pkgutil.resolve_name(f"peers.{path}")(setting, seed, variant)
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


def softmax(logits, axis):
    powers = np.exp(logits)
    return powers / powers.sum(axis, keepdims=True)


def probabilities(features, weights):
    """Eq. 4 and 7 and a classifier, without dropout; weights may be complex."""
    parts = []
    for name, frames in features.items():
        kernel, alpha, beta = (weights[f"{name}/{x}"] for x in settings.PARTS)
        scores = softmax(frames @ kernel, axis=1)  # (batch, frame, unit)
        pooled = scores.swapaxes(1, 2) @ frames
        shifted = alpha[:, None] * pooled + beta[:, None]
        squares = np.sum(shifted**2, axis=-1, keepdims=True)
        units = shifted / np.sqrt(squares * len(alpha))
        parts.append(units.reshape(len(frames), -1))
    logits = np.concatenate(parts, axis=1) @ weights["classifier/kernel"]
    return softmax(logits + weights["classifier/bias"], axis=1)


def reference(weights):
    """Probabilities of the small batch and gradients of its cross entropy."""
    features, labels = settings.draw_batch(SMALL, 1)
    weights = {name: x.astype(complex) for name, x in weights.items()}
    expected = probabilities(features, weights).real
    gradients = {name: np.zeros(x.shape) for name, x in weights.items()}
    for name, values in weights.items():
        for place in np.ndindex(values.shape):
            # A derivative without rounding: a step along the imaginary axis.
            values[place] += 1e-30j
            found = probabilities(features, weights)[range(len(labels)), labels]
            gradients[name][place] = -np.log(found).mean().imag / 1e-30
            values[place] -= 1e-30j
    return expected, gradients
