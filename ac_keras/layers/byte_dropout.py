"""Dropout that draws a byte for each number, not a float."""

import keras
from keras import ops

WORD = 32  # bits of what is drawn at a time
FEW_BITS, MORE_BITS = 8, 16


@keras.saving.register_keras_serializable(package="ac_keras")
class ByteDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with masks that cost a quarter as much to draw.

    A number is dropped where eight random bits lie below `256 * rate`; sixteen
    bits where that is no whole number, to within `2**-17` of the rate. What
    is kept is scaled by the share that is kept, exactly. The masks are others
    than those that `keras.layers.Dropout` draws from the same seed. With a
    `noise_shape` it is that layer.

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

    def __init__(self, rate, **kwargs):
        super().__init__(rate, **kwargs)
        self.bits = FEW_BITS
        if rate * 2**FEW_BITS % 1:
            self.bits = MORE_BITS
        self.threshold = round(rate * 2**self.bits)

    def call(self, inputs, training=False):
        kept = 1.0 - self.threshold / 2**self.bits
        if not training or kept in (0.0, 1.0) or self.noise_shape is not None:
            return super().call(inputs, training=training)
        lowest = -(2 ** (self.bits - 1))
        keep = self._draw(inputs) >= lowest + self.threshold
        return ops.where(keep, inputs * (1.0 / kept), 0.0)

    def _draw(self, inputs):
        """Random whole numbers of so many bits, in the inputs' shape.

        They have a sign, as PyTorch has no others of 16 bits.
        """
        size, count = inputs.shape[-1], WORD // self.bits
        words = keras.random.randint(
            (*ops.shape(inputs)[:-1], -(-size // count)),
            -(2 ** (WORD - 1)),
            2 ** (WORD - 1) - 1,
            dtype="int32",
            seed=self.seed_generator,
        )
        return ops.view(words, dtype=f"int{self.bits}")[..., :size]
