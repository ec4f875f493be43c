"""Preparation of Flash-MNIST without the package's optimizations."""

import keras
import numpy as np
import tensorflow as tf

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets.frame_cnn import BATCH_SIZE
from ac_keras.datasets.frame_cnn import LEARNING_RATE

STEPS_PER_EXECUTION = 32


class PlainFlashMnist(FlashMnist):
    """Looks up the intensities of all pixels at once, by indexing."""

    def noise(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Generates frames of noise, uint8 `(count, 28, 28)`."""
        shape = (count, *self.images.shape[1:])
        words = rng.integers(0, 2**64, np.prod(shape) // 4, dtype=np.uint64)
        return self.intensities[words.view(np.uint16)].reshape(shape)


def count_intensities(images: np.ndarray) -> np.ndarray:
    """Counts the pixels of each intensity in all images at once."""
    return np.bincount(images.ravel(), minlength=256)


def make_extractor(cnn: keras.Model):
    """Returns a function from clips to features, by layers of Keras."""
    model = keras.Model(cnn.inputs[0], cnn.get_layer("features").output)
    signature = tf.TensorSpec((None, 28, 28), tf.uint8)

    @tf.function(input_signature=[signature])
    def extract(frames):
        return model(tf.cast(frames, tf.float32)[..., None] / 255)

    def features_of(clips):
        features = extract(clips.reshape(-1, *clips.shape[2:])).numpy()
        return features.reshape(*clips.shape[:2], -1)

    return features_of


def make_training(cnn: keras.Model):
    """Returns a function that trains the CNN on frames by `fit` of Keras."""
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), cnn])
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
    )

    def train(frames: Digits):
        images = frames.images[..., None]
        model.fit(images, frames.labels, batch_size=BATCH_SIZE, verbose=0)

    return train
