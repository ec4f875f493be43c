"""The attention cluster: several attention units over one set of frames."""

import numbers

import keras
from keras import ops

from ac_keras.layers.input_checks import check_frames
from ac_keras.layers.input_checks import check_mask

WEIGHTINGS = ("average", "fc1", "fc2")
MASKED_LOGIT = -1e30
LARGEST_LOGIT = 6e4  # within the range of float16


def clone(initializer):
    """Copies a random initializer, which returns the same values each time."""
    if (
        isinstance(initializer, keras.Initializer)
        and "seed" in initializer.get_config()
    ):
        return initializer.clone()
    return initializer


@keras.saving.register_keras_serializable(package="ac_keras")
class AttentionCluster(keras.layers.Layer):
    """Pools a clip's frames by several attention units side by side.

    Every unit has its own weights of the frames, a softmax over the frames,
    and returns their weighted sum. The outputs of all units are concatenated.
    A few batched products compute all units together; no tensor has `batch *
    num_frames * num_units * dim` elements.

    The weightings are, with `x` a frame's feature:

    - `"average"` (Eq. 3): all frames have the same weight. This is the
      paper's baseline. It has no parameters, so all units are equal.
    - `"fc1"` (Eq. 4): `softmax(w . x)`.
    - `"fc2"` (Eq. 5): `softmax(w2 . tanh(W1 x + b1))`. Every unit has its own
      hidden layer.

    Eq. 4 and 5 add a last bias inside the softmax. This layer has none: one
    bias for a whole unit cancels in the softmax, and one bias for each frame
    position would fix the order and the number of frames, against section
    3.1.

    Args:
        num_units: Integer, the number of attention units `N`, 1 or more.
        weighting: `"average"`, `"fc1"` or `"fc2"`.
        hidden_units: Integer, the size `H` of every unit's hidden layer. Only
            `"fc2"` uses it.
        kernel_initializer: Initializer of the weighting's kernels. The scale
            of the default depends on the number of inputs only, so it is the
            same in small and in large clusters.
        bias_initializer: Initializer of the hidden bias of `"fc2"`.
        kernel_regularizer: Optional regularizer of the weighting's kernels.
        **kwargs: `name`, `dtype` and other arguments of a Keras layer.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.
        mask: Optional bool tensor `(batch, num_frames)`; True keeps a frame.
            The values of masked frames, NaN included, have no influence. The
            output of a clip without kept frames is zero.
        return_attention_scores: Boolean, whether to return the scores too.

    Output shape: `(batch, num_units * dim)`; with
        `return_attention_scores=True` a tuple of that and the scores
        `(batch, num_units, num_frames)`. The scores of a unit sum up to 1.

    Raises:
        ValueError: If an argument or the shape or dtype of an input is invalid.

    Example:
    >>> import numpy as np
    >>> frames = np.ones((4, 25, 50), "float32")
    >>> tuple(AttentionCluster(8)(frames).shape)
    (4, 400)

    References:
        Long et al., Attention Clusters, CVPR 2018, Eq. 2 to 6.
    """

    def __init__(
        self,
        num_units,
        weighting="fc1",
        hidden_units=10,
        kernel_initializer="lecun_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for argument, value in (
            ("num_units", num_units),
            ("hidden_units", hidden_units),
        ):
            if not isinstance(value, numbers.Integral) or value < 1:
                raise ValueError(
                    f"{type(self).__name__} expects {argument} to be an "
                    f"integer of 1 or more. Received: {argument}={value!r}. "
                    f"For example: {argument}=32."
                )
        if weighting not in WEIGHTINGS:
            raise ValueError(
                f"{type(self).__name__} expects weighting to be one of "
                f"{WEIGHTINGS}. Received: weighting={weighting!r}. The paper "
                "prefers 'fc1'."
            )
        self.num_units = int(num_units)
        self.weighting = weighting
        self.hidden_units = int(hidden_units)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.supports_masking = True

    def build(self, input_shape):
        check_frames(self, input_shape)
        dim = input_shape[-1]
        if self.weighting == "fc1":
            self.kernel = self._add_kernel("kernel", (dim, self.num_units))
        if self.weighting == "fc2":
            width = self.num_units * self.hidden_units
            self.hidden_kernel = self._add_kernel("hidden_kernel", (dim, width))
            self.hidden_bias = self.add_weight(
                name="hidden_bias",
                shape=(width,),
                initializer=clone(self.bias_initializer),
            )
            self.kernel = self._add_kernel(
                "kernel", (self.hidden_units, self.num_units)
            )

    def call(self, frames, mask=None, return_attention_scores=False):
        check_frames(self, frames.shape, frames.dtype)
        if mask is not None:
            check_mask(self, mask.shape, frames.shape)
            mask = ops.cast(mask, "bool")
            # Padding may be NaN, and 0 * NaN is NaN.
            frames = ops.where(ops.expand_dims(mask, 2), frames, 0)
        scores = self._attention_scores(frames, mask)  # (batch, frame, unit)
        pooled = self._pool(scores, frames, mask)  # (batch, unit, dim)
        width = self.num_units * frames.shape[-1]
        pooled = ops.reshape(pooled, (-1, width))
        if not return_attention_scores:
            return pooled
        scores = ops.cast(scores, self.compute_dtype)
        return pooled, ops.transpose(scores, (0, 2, 1))

    def compute_mask(self, frames, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        check_frames(self, input_shape)
        return (input_shape[0], self.num_units * input_shape[-1])

    def compute_output_spec(
        self, frames, mask=None, return_attention_scores=False
    ):
        check_frames(self, frames.shape, frames.dtype)
        if mask is not None:
            check_mask(self, mask.shape, frames.shape)
        batch, num_frames, _ = frames.shape
        pooled = keras.KerasTensor(
            self.compute_output_shape(frames.shape), self.compute_dtype
        )
        if not return_attention_scores:
            return pooled
        shape = (batch, self.num_units, num_frames)
        return pooled, keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "weighting": self.weighting,
            "hidden_units": self.hidden_units,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "bias_initializer": keras.initializers.serialize(
                self.bias_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
        }

    def _add_kernel(self, name, shape):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=clone(self.kernel_initializer),
            regularizer=self.kernel_regularizer,
        )

    def _attention_scores(self, frames, mask):
        """Computes float32 weights `(batch, num_frames, num_units)`."""
        # Along axis 1: a transposition costs more time than the softmax.
        logits = ops.cast(self._logits(frames), "float32")
        if self.compute_dtype == "float16":  # Infinity gives NaN.
            logits = ops.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)
        if mask is not None:
            keep = ops.expand_dims(mask, 2)
            # Finite, so that the gradients of a clip without frames are too.
            logits = ops.where(keep, logits, MASKED_LOGIT)
        largest = ops.max(logits, axis=1, keepdims=True, initial=MASKED_LOGIT)
        powers = ops.exp(logits - ops.stop_gradient(largest))
        scores = powers / ops.sum(powers, axis=1, keepdims=True)
        return scores if mask is None else ops.where(keep, scores, 0.0)

    def _logits(self, frames):
        """Computes the logits `(batch, num_frames, num_units)`."""
        if self.weighting == "average":
            # Zeros of the right shape, also if dimensions are unknown.
            zero = ops.zeros_like(frames[:, :, :1])
            return ops.repeat(zero, self.num_units, axis=2)
        if self.weighting == "fc1":
            return ops.matmul(frames, self.kernel)
        hidden = ops.tanh(
            ops.matmul(frames, self.hidden_kernel) + self.hidden_bias
        )
        batch, num_frames = ops.shape(hidden)[:2]
        hidden = ops.reshape(
            hidden, (batch, num_frames, self.num_units, self.hidden_units)
        )
        # LiteRT supports einsum here only for a single frame.
        return ops.sum(hidden * ops.transpose(self.kernel), axis=-1)

    def _pool(self, scores, frames, mask):
        """Computes the units' outputs `(batch, num_units, dim)`."""
        scores = ops.cast(scores, self.compute_dtype)
        return ops.matmul(ops.transpose(scores, (0, 2, 1)), frames)
