"""Attention clusters in Keras as a loop over units, as in most ports."""

import keras
import numpy as np
from keras import ops

from peers.plain_keras import PlainKeras


class SingleUnit(keras.layers.Layer):
    """One unit with separate weights: Eq. 4, then Eq. 7.

    Args:
        num_units: Integer, the number of units in its cluster.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.

    Output shape: `(batch, dim)`.
    """

    def __init__(self, num_units, **kwargs):
        super().__init__(**kwargs)
        self.num_units = num_units
        self.scoring = keras.layers.Dense(1, use_bias=False)

    def build(self, input_shape):
        """Adds the scoring vector and two scalars."""
        self.scoring.build(input_shape)
        self.alpha = self.add_weight(name="alpha", shape=())
        self.beta = self.add_weight(name="beta", shape=())

    def call(self, frames):
        """Pools, shifts and normalizes."""
        scores = ops.softmax(self.scoring(frames), axis=1)
        weights = ops.transpose(scores, (0, 2, 1))
        pooled = ops.matmul(weights, frames)[:, 0]
        shifted = self.alpha * pooled + self.beta
        square = ops.sum(ops.square(shifted), axis=-1, keepdims=True)
        return shifted / (self.num_units**0.5 * ops.sqrt(square))


class LoopedCluster(keras.layers.Layer):
    """Computes the units of a modality one after the other.

    Args:
        num_units: Integer, the number of units.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.

    Output shape: `(batch, num_units * dim)`.
    """

    def __init__(self, num_units, **kwargs):
        super().__init__(**kwargs)
        self.units = [SingleUnit(num_units) for _ in range(num_units)]

    def build(self, input_shape):
        """Builds every unit."""
        for unit in self.units:
            unit.build(input_shape)

    def call(self, frames):
        """Concatenates the outputs of the units."""
        return ops.concatenate([unit(frames) for unit in self.units], axis=-1)

    def assign(self, kernel, alpha, beta):
        """Assigns the weights, one column of the kernel per unit."""
        for index, unit in enumerate(self.units):
            unit.scoring.kernel.assign(kernel[:, index : index + 1])
            unit.alpha.assign(alpha[index])
            unit.beta.assign(beta[index])

    def read(self):
        """Returns kernel, alpha and beta as NumPy arrays."""
        numbers = ops.convert_to_numpy
        kernels = [numbers(unit.scoring.kernel) for unit in self.units]
        return (
            np.concatenate(kernels, axis=1),
            np.stack([numbers(unit.alpha) for unit in self.units]),
            np.stack([numbers(unit.beta) for unit in self.units]),
        )


class UnitLoop(PlainKeras):
    """Classifier whose clusters loop over their units.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
    """

    cluster_class = LoopedCluster
