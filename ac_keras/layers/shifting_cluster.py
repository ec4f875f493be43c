"""The attention cluster with the shifting operation."""

import keras
from keras import ops

from ac_keras.layers.attention_cluster import AttentionCluster
from ac_keras.layers.attention_cluster import clone

SMALLEST_SQUARE = 1e-12  # Smaller squares count as a norm of zero.


@keras.saving.register_keras_serializable(package="ac_keras")
class ShiftingCluster(AttentionCluster):
    """An attention cluster whose units are scaled, shifted and normalised.

    The output `v` of unit `k` becomes (Eq. 7)

        (alpha_k * v + beta_k) / (sqrt(N) * ||alpha_k * v + beta_k||)

    with two learnable scalars a unit. The norm of each unit's output is then
    `1 / sqrt(N)`, and that of the whole output is 1. The output of a unit is
    zero if its shifted vector has a norm below 1e-6. Norms, alpha and beta
    are float32 under any dtype policy. First derivatives are exact; second
    derivatives are not.

    Args:
        num_units: Integer, the number of attention units `N`, 1 or more.
        weighting: `"average"`, `"fc1"` or `"fc2"`.
        hidden_units: Integer, the size of the hidden layer of `"fc2"`.
        alpha_initializer: Initializer of the scales, shape `(num_units,)`.
        beta_initializer: Initializer of the shifts, shape `(num_units,)`;
            None is a normal distribution with standard deviation 0.5. Units
            diverge sooner if their initial shifts differ: see
            docs/results/initialisation.md.
        **kwargs: Further arguments of `AttentionCluster`.

    Call arguments and output shape: as for `AttentionCluster`.

    Example:
    >>> import numpy as np
    >>> pooled = ShiftingCluster(8)(np.ones((4, 25, 50), "float32"))
    >>> float(np.linalg.norm(pooled[0]).round(5))
    1.0

    References:
        Long et al., Attention Clusters, CVPR 2018, section 3.4, Eq. 7.
    """

    def __init__(
        self,
        num_units,
        weighting="fc1",
        hidden_units=10,
        alpha_initializer="ones",
        beta_initializer=None,
        **kwargs,
    ):
        super().__init__(num_units, weighting, hidden_units, **kwargs)
        self.alpha_initializer = keras.initializers.get(alpha_initializer)
        if beta_initializer is None:  # A new one, so that layers differ.
            beta_initializer = keras.initializers.RandomNormal(stddev=0.5)
        self.beta_initializer = keras.initializers.get(beta_initializer)

    def build(self, input_shape):
        super().build(input_shape)
        self.alpha = self._add_scalars("alpha", self.alpha_initializer)
        self.beta = self._add_scalars("beta", self.beta_initializer)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": keras.initializers.serialize(
                self.alpha_initializer
            ),
            "beta_initializer": keras.initializers.serialize(
                self.beta_initializer
            ),
        }

    def _add_scalars(self, name, initializer):
        return self.add_weight(
            name=name,
            shape=(self.num_units,),
            initializer=clone(initializer),
            dtype="float32",
            autocast=False,
        )

    def _pool(self, scores, frames, mask):
        # A frame of ones, weighted by beta, is the shift. The norm scales the
        # weights, which have far fewer elements than the outputs.
        ones = ops.ones_like(frames[:, :1])
        frames = ops.concatenate([frames, ops.cast(ones, frames.dtype)], axis=1)
        shift = ops.ones_like(scores[:, :1]) * self.beta
        if mask is not None:  # The output of a clip without frames is zero.
            any_frame = ops.any(mask, axis=1)[:, None, None]
            shift = ops.where(any_frame, shift, 0.0)
        weights = ops.concatenate([scores * self.alpha, shift], axis=1)
        weights = weights * self._scale(self._square(weights, frames))
        return super()._pool(weights, frames, mask)

    def _square(self, weights, frames):
        """Computes the squared norms of the outputs `(batch, 1, num_units)`."""
        # Products of frames with each other would need less memory, but cancel
        # out where the shift removes most of an output.
        frames = ops.cast(frames, "float32")
        pooled = ops.matmul(ops.transpose(weights, (0, 2, 1)), frames)
        pooled = ops.transpose(ops.stop_gradient(pooled), (0, 2, 1))
        half = ops.sum(
            weights * ops.matmul(frames, pooled), axis=1, keepdims=True
        )
        # The gradient of this is the gradient of pooled * pooled.
        return 2.0 * half - ops.stop_gradient(half)

    def _scale(self, square):
        """Computes the factor of a unit's weights from its squared norm."""
        # Two `where`, so that the gradient is finite at the zero vector too.
        directed = square > SMALLEST_SQUARE
        inverse_norm = ops.rsqrt(ops.where(directed, square, 1.0))
        return ops.where(directed, inverse_norm, 0.0) * self.num_units**-0.5
