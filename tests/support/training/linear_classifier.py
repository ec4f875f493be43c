"""A linear classifier, and what a step does to it by the definitions."""

import keras
import numpy as np
import tensorflow as tf

DIM, NUM_CLASSES, BATCH_SIZE = 5, 4, 8
RHO, EPSILON = 0.9, 1e-7  # Keras's own of RMSprop


def make_model(multi_label=False, dtype="float32"):
    """Its weights are drawn by a seed and the same each time."""
    inputs = keras.Input((DIM,), name="x")
    layer = keras.layers.Dense(NUM_CLASSES, name="logits", dtype=dtype)
    head = keras.layers.Activation(
        "sigmoid" if multi_label else "softmax", dtype="float32"
    )
    model = keras.Model({"x": inputs}, head(layer(inputs)))
    model.classifier = layer
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.weights])
    return model


def draw_batches(count, multi_label=False, scale=1.0, size=BATCH_SIZE):
    """Features `(count, size, DIM)` in float32, and labels."""
    rng = np.random.default_rng(2)
    x = rng.normal(0, scale, (count, size, DIM)).astype("float32")
    if multi_label:
        draws = rng.random((count, size, NUM_CLASSES))
        return x, (draws < 0.4).astype("float32")
    return x, rng.integers(0, NUM_CLASSES, (count, size)).astype("int32")


def run_steps(update_step, x, labels, batch_size=BATCH_SIZE):
    """Takes a step by each batch; every step's loss and probabilities."""

    @tf.function
    def step(x, labels):
        return update_step({"x": x}, labels, batch_size)

    batches = zip(x, labels, strict=True)
    results = [step(*map(tf.constant, batch)) for batch in batches]
    losses, probabilities = zip(*results, strict=True)
    return np.array(losses), np.array(probabilities)


def weights_of(model):
    return [np.asarray(w, np.float64) for w in model.get_weights()]


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def loss_and_gradients(weights, x, labels, class_weights=None):
    """The mean loss of a batch and its gradients, in float64."""
    kernel, bias = weights
    x = x.astype(np.float64)
    logits = x @ kernel + bias
    if labels.ndim == 2:
        p, y = sigmoid(logits), labels.astype(np.float64)
        losses = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1)
    else:
        p, y = softmax(logits), np.eye(NUM_CLASSES)[labels]
        losses = -(y * np.log(p)).sum(axis=1)
    each = np.ones(len(x)) if class_weights is None else class_weights[labels]
    slope = each[:, None] * (p - y) / len(x)
    return (each * losses).mean(), [x.T @ slope, slope.sum(axis=0)]


def norm_of(gradients):
    return np.sqrt(sum((g**2).sum() for g in gradients))


def clipped(gradients, clip_norm):
    factor = min(1.0, clip_norm / norm_of(gradients))
    return [g * factor for g in gradients]


def rmsprop(weights, batches, rate, clip_norm=np.inf, class_weights=None):
    """All losses, and the weights after each step."""
    slots = [np.zeros_like(w) for w in weights]
    losses, path = [], []
    for x, labels in zip(*batches, strict=True):
        loss, gradients = loss_and_gradients(weights, x, labels, class_weights)
        gradients = clipped(gradients, clip_norm)
        slots = [
            RHO * s + (1 - RHO) * g**2
            for s, g in zip(slots, gradients, strict=True)
        ]
        weights = [
            w - rate * g / np.sqrt(s + EPSILON)
            for w, g, s in zip(weights, gradients, slots, strict=True)
        ]
        losses.append(loss)
        path.append(weights)
    return np.array(losses), path
