"""A frame CNN with weights that are all at work, and frames for it."""

import keras
import numpy as np

from ac_keras.datasets import Digits
from ac_keras.models import frame_cnn


def draw_cnn(seed=0, **kwargs):
    """A CNN whose biases are not zero either."""
    keras.utils.set_random_seed(seed)
    cnn = frame_cnn(**kwargs)
    rng = np.random.default_rng(seed)
    for bias in cnn.weights[1::2]:
        bias.assign(rng.normal(scale=0.05, size=bias.shape))
    return cnn


def draw_frames(count, num_classes=11, seed=0):
    """Frames with labels, dark for the most part."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    images[rng.random(images.shape) < 0.7] = 0
    return Digits(images, rng.integers(0, num_classes, count, np.uint8))


def pixels_of(images):
    """Returns the input of Keras's CNN, float32 `(count, 28, 28, 1)`."""
    return images[..., None].astype("float32") / 255


def features_of(cnn, images):
    """The features by Keras's own layers."""
    units = keras.Model(cnn.inputs[0], cnn.get_layer("features").output)
    return units(pixels_of(images)).numpy()
