"""Local features of Flash-MNIST's frames."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ac_keras.datasets.flash_mnist import NUM_FRAMES
from ac_keras.datasets.frame_products import frame_features

CLIPS_AT_ONCE = 32


def make_extractor(
    cnn: keras.Model, log_softmax: bool = False
) -> Callable[[np.ndarray], np.ndarray]:
    """Makes a function that gives the features of some clips' frames.

    Threads may call it side by side.

    Args:
        cnn: An `ac_keras.models.frame_cnn`, whose weights are read at once.
        log_softmax: Whether to take the log softmax of the features.

    Returns:
        A function from uint8 `(batch, 25, 28, 28)` to float32 `(batch, 25,
        dim)`.
    """
    weights = [tf.constant(weight.numpy()) for weight in cnn.weights]

    @tf.function(jit_compile=True)
    def extract(frames):
        features = frame_features(weights, frames)
        return tf.nn.log_softmax(features) if log_softmax else features

    def features_of(clips: np.ndarray) -> np.ndarray:
        features = []
        for first in range(0, len(clips), CLIPS_AT_ONCE):
            part = clips[first : first + CLIPS_AT_ONCE]
            if len(part) < CLIPS_AT_ONCE:  # XLA compiles for one size only
                rest = CLIPS_AT_ONCE - len(part)
                part = np.pad(part, ((0, rest), (0, 0), (0, 0), (0, 0)))
            made = extract(part.reshape(-1, *part.shape[2:])).numpy()
            features.append(made.reshape(CLIPS_AT_ONCE, NUM_FRAMES, -1))
        return np.concatenate(features)[: len(clips)]

    return features_of
