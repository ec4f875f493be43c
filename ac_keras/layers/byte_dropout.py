"""Dropout that draws a random byte for each element."""

import keras
from keras import ops

LEVELS = 2**8  # values of a byte
LOWEST = -(LEVELS // 2)  # lowest signed byte
WORD = 2**32 - 1  # largest unsigned word
BYTES = 4  # in a word


@keras.saving.register_keras_serializable(package="ac_keras")
class ByteDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with a quarter of the cost of random numbers.

    An element is dropped where a random byte is below the threshold `256 *
    rate`. If the threshold is no integer, it is rounded down or up at random
    for each row of the last dimension, so that an element is dropped with
    probability `rate` in any case. The masks differ from those of
    `keras.layers.Dropout` with the same seed. With a `noise_shape`, or a rate
    within `1 / 256` of 0 or 1, this layer is `keras.layers.Dropout`.

    Args:
        rate: Float from 0 to 1, the fraction that is dropped in training.
        **kwargs: `seed`, `noise_shape`, `name` and other arguments of
            `keras.layers.Dropout`.

    Call arguments:
        inputs: Float tensor whose last dimension is known.
        training: Boolean, whether to drop elements.

    Output shape: the shape of the inputs.

    Example:
    >>> import numpy as np
    >>> dropped = ByteDropout(0.5, seed=0)(np.ones((2, 50)), training=True)
    >>> sorted(set(np.ravel(dropped).tolist()))
    [0.0, 2.0]
    """

    def call(self, inputs, training=False):
        in_bytes = 1 <= self.rate * LEVELS <= LEVELS - 1
        if not training or not in_bytes or self.noise_shape is not None:
            return super().call(inputs, training=training)
        keep = self._draw_bytes(inputs) >= self._draw_threshold(inputs)
        # A product, as `where` is slow on CPUs for bfloat16.
        return inputs * (ops.cast(keep, inputs.dtype) / (1.0 - self.rate))

    def _draw_bytes(self, inputs):
        """Draws signed bytes, as PyTorch has only signed words."""
        size = inputs.shape[-1]
        words = keras.random.randint(
            (*ops.shape(inputs)[:-1], -(-size // BYTES)),
            -(WORD // 2) - 1,
            WORD // 2,
            dtype="int32",
            seed=self.seed_generator,
        )
        return ops.view(words, dtype="int8")[..., :size]

    def _draw_threshold(self, inputs):
        """Computes the lowest byte that is kept, for all rows or for each."""
        whole, part = divmod(self.rate * LEVELS, 1)
        threshold = LOWEST + int(whole)
        if not part:
            return threshold
        row = ops.shape(inputs[..., :1])
        above = keras.random.uniform(row, seed=self.seed_generator) < part
        return ops.cast(above, "int8") + ops.cast(threshold, "int8")
