"""Dropout that draws a byte for each number, not a float."""

import keras
from keras import ops

LEVELS = 2**8  # of a byte
LOWEST = -(LEVELS // 2)
WORD = 2**32 - 1  # largest number of the words that are drawn
BYTES = 4  # of a word


@keras.saving.register_keras_serializable(package="ac_keras")
class ByteDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with masks that cost a quarter as much to draw.

    A number is dropped where a random byte lies below `256 * rate`. Where that
    is no whole number, every row of the last dimension draws whether it takes
    the one below or above, so that a number is dropped with the probability
    `rate` all the same. The masks are others than those that
    `keras.layers.Dropout` draws from the same seed. With a `noise_shape`, or a
    rate within `1 / 256` of 0 or 1, it is that layer.

    Args:
        rate: Float from 0 to 1, the share that is dropped in training.
        **kwargs: `seed`, `noise_shape`, `name` and other arguments of
            `keras.layers.Dropout`.

    Call arguments:
        inputs: Float tensor whose last dimension is known.
        training: Whether to drop anything.

    Output shape: that of the inputs.

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
        # Products, as processors choose between numbers of bfloat16 slowly.
        return inputs * (ops.cast(keep, inputs.dtype) / (1.0 - self.rate))

    def _draw_bytes(self, inputs):
        """Random bytes in the inputs' shape.

        They have a sign, as words have one in PyTorch.
        """
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
        """The lowest byte that is kept, one or one for each row."""
        whole, part = divmod(self.rate * LEVELS, 1)
        threshold = LOWEST + int(whole)
        if not part:
            return threshold
        row = ops.shape(inputs[..., :1])
        above = keras.random.uniform(row, seed=self.seed_generator) < part
        return ops.cast(above, "int8") + ops.cast(threshold, "int8")
