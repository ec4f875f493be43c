"""The attention cluster: several attention units over one set of frames."""

import numbers

import keras
from keras import ops

from ac_keras.layers.input_checks import check_frames
from ac_keras.layers.input_checks import check_mask

WEIGHTINGS = ("average", "fc1", "fc2")
LOWEST_LOGIT = -1e30  # of masked frames
LARGEST_LOGIT = 6e4  # that float16 holds


def clone(initializer):
    """Copies a random initializer: used twice, it would draw the same twice."""
    if (
        isinstance(initializer, keras.Initializer)
        and "seed" in initializer.get_config()
    ):
        return initializer.clone()
    return initializer


@keras.saving.register_keras_serializable(package="ac_keras")
class AttentionCluster(keras.layers.Layer):
    """Pools a clip's frames by several attention units side by side.

    Every unit weights the frames by a softmax of its own and sums them up.
    The units share nothing but their input; their outputs are concatenated,
    unit after unit. All units are computed together, in a few batched
    products, and nothing of size `batch * num_frames * num_units * dim` is
    ever formed.

    The weightings are, with `x` a frame's feature:

    - `"average"` (Eq. 3): every frame weighs the same. There is nothing to
      learn, so all units agree; this is the paper's baseline.
    - `"fc1"` (Eq. 4): `softmax(w . x)`.
    - `"fc2"` (Eq. 5): `softmax(w2 . tanh(W1 x + b1))`, every unit with a
      hidden layer of its own.

    Eq. 4 and 5 add a last bias inside the softmax. One bias for a whole unit
    would cancel in the softmax, and one for each frame position would tie the
    model to one order and one number of frames, against section 3.1. There is
    therefore none.

    Args:
        num_units: Integer, the number of attention units `N`, 1 or more.
        weighting: `"average"`, `"fc1"` or `"fc2"`.
        hidden_units: Integer, the hidden layer's size `H` of every unit.
            Used by `"fc2"` only.
        kernel_initializer: Initializer of the weighting's kernels. The
            default scales by the number of inputs alone, so that a unit
            starts alike in a small and in a large cluster.
        bias_initializer: Initializer of the hidden bias of `"fc2"`.
        kernel_regularizer: Optional regularizer of the weighting's kernels.
        **kwargs: `name`, `dtype` and other arguments of a Keras layer.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.
        mask: Optional bool tensor `(batch, num_frames)`; True keeps a frame.
            What a masked frame holds, NaN included, has no influence. A clip
            without any frame kept gives zeros.
        return_attention_scores: Whether to return the scores as well.

    Output shape: `(batch, num_units * dim)`; with
        `return_attention_scores=True` a tuple of that and the scores
        `(batch, num_units, num_frames)`, each row of which sums up to 1.

    Raises:
        ValueError: If an argument or an input's shape or dtype does not fit.

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
            # Padding may hold anything; 0 * NaN would be NaN.
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
        batch, num_frames, _ = self._checked_shape(frames, mask)
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

    def _checked_shape(self, frames, mask):
        check_frames(self, frames.shape, frames.dtype)
        if mask is not None:
            check_mask(self, mask.shape, frames.shape)
        return frames.shape

    def _attention_scores(self, frames, mask):
        """Weights of the frames in float32 `(batch, num_frames, num_units)`.

        The softmax is along the frames where they lie, as transposing costs
        more than it does.
        """
        logits = ops.cast(self._logits(frames), "float32")
        if self.compute_dtype == "float16":  # Infinite ones would give NaN.
            logits = ops.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)
        if mask is not None:
            keep = ops.expand_dims(mask, 2)
            # Finite, so that a clip without frames has finite gradients.
            logits = ops.where(keep, logits, LOWEST_LOGIT)
        largest = ops.max(logits, axis=1, keepdims=True, initial=LOWEST_LOGIT)
        powers = ops.exp(logits - ops.stop_gradient(largest))
        scores = powers / ops.sum(powers, axis=1, keepdims=True)
        return scores if mask is None else ops.where(keep, scores, 0.0)

    def _logits(self, frames):
        """Scores before the softmax, `(batch, num_frames, num_units)`."""
        if self.weighting == "average":
            # Zeros of the right shape, also where dimensions are dynamic.
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
        # Not by einsum, which LiteRT takes for none but one frame.
        return ops.sum(hidden * ops.transpose(self.kernel), axis=-1)

    def _pool(self, scores, frames, mask):
        """Every unit's output `(batch, num_units, dim)`.

        Scores of masked frames are 0, so that a clip without any gives zeros.
        """
        scores = ops.cast(scores, self.compute_dtype)
        return ops.matmul(ops.transpose(scores, (0, 2, 1)), frames)
