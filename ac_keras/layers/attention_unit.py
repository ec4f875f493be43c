"""A single attention unit."""

import keras

from ac_keras.layers.attention_cluster import AttentionCluster
from ac_keras.layers.input_checks import check_frames
from ac_keras.layers.shifting_cluster import ShiftingCluster


@keras.saving.register_keras_serializable(package="ac_keras")
class AttentionUnit(keras.layers.Layer):
    """Pools a clip's frames into one vector, their weighted sum.

    A unit is a cluster with one unit. `AttentionCluster` describes the
    weightings and `ShiftingCluster` the shift.

    Args:
        weighting: `"average"` (Eq. 3), `"fc1"` (Eq. 4) or `"fc2"` (Eq. 5).
        hidden_units: Integer, the size of the hidden layer of `"fc2"`.
        shift: Boolean, whether to apply the shift (Eq. 7 with `N=1`).
        kernel_initializer: Initializer of the weighting's kernels.
        bias_initializer: Initializer of the hidden bias of `"fc2"`.
        **kwargs: `name`, `dtype` and other arguments of a Keras layer.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.
        mask: Optional bool tensor `(batch, num_frames)`; True keeps a frame.
        return_attention_scores: Boolean, whether to return the scores too.

    Output shape: `(batch, dim)`; with `return_attention_scores=True` a tuple
        of that and the scores `(batch, num_frames)`.

    Raises:
        ValueError: If an argument or the shape or dtype of an input is invalid.

    Example:
    >>> import numpy as np
    >>> unit = AttentionUnit(weighting="average")
    >>> [float(x) for x in unit(np.array([[[1.0, 2.0], [3.0, 6.0]]]))[0]]
    [2.0, 4.0]

    References:
        Long et al., Attention Clusters, CVPR 2018, Eq. 2 to 5 and 7.
    """

    def __init__(
        self,
        weighting="fc1",
        hidden_units=10,
        shift=False,
        kernel_initializer="lecun_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.weighting = weighting
        self.hidden_units = hidden_units
        self.shift = shift
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        cluster_class = ShiftingCluster if shift else AttentionCluster
        self.cluster = cluster_class(
            1,
            weighting,
            hidden_units,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            dtype=self.dtype_policy,
            name="cluster",
        )
        self.supports_masking = True

    def build(self, input_shape):
        check_frames(self, input_shape)
        self.cluster.build(input_shape)

    def call(self, frames, mask=None, return_attention_scores=False):
        check_frames(self, frames.shape, frames.dtype)
        pooled, scores = self.cluster(
            frames, mask=mask, return_attention_scores=True
        )
        return (pooled, scores[:, 0]) if return_attention_scores else pooled

    def compute_mask(self, frames, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return self.cluster.compute_output_shape(input_shape)

    def compute_output_spec(
        self, frames, mask=None, return_attention_scores=False
    ):
        check_frames(self, frames.shape, frames.dtype)
        pooled, scores = self.cluster.compute_output_spec(
            frames, mask, return_attention_scores=True
        )
        if not return_attention_scores:
            return pooled
        batch, _, num_frames = scores.shape
        return pooled, keras.KerasTensor((batch, num_frames), scores.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "weighting": self.weighting,
            "hidden_units": self.hidden_units,
            "shift": self.shift,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "bias_initializer": keras.initializers.serialize(
                self.bias_initializer
            ),
        }
