"""Standardization of frames by the statistics of the training frames."""

import keras
import numpy as np
from keras import ops

from ac_keras.layers.input_checks import check_frames
from ac_keras.layers.input_checks import check_mask
from ac_keras.utils.frame_moments import FrameMoments

MODES = ("scale", "feature")
# Of a feature, relative to that of all features: rounding and rare values of
# an almost constant feature are not scaled up to the size of the others.
SMALLEST_DEVIATION = 0.01


@keras.saving.register_keras_serializable(package="ac_keras")
class FrameStandardization(keras.layers.Layer):
    """Subtracts a mean from each frame and divides it by a deviation.

    Attention clusters depend on the scale and the offset of their frames:
    logits are proportional to the scale, initial shifts are not, and a mean
    that all frames share hides what differs. Standardized frames have mean 0
    and a mean square of 1.

    The weights are not trained. They change nothing until `adapt` or
    `set_statistics` sets them.

    Args:
        mode: `"scale"` subtracts the mean of each feature and divides by one
            deviation, the root of the features' mean variance; the features'
            relative scales stay. `"feature"` divides each feature by its own
            deviation, which counts as at least 0.01 times the one of
            `"scale"`.
        **kwargs: `name` and other arguments of a Keras layer. The layer
            computes in float32 by default, whatever the global policy is:
            frames may be out of the range of float16 before they are
            standardized.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.
        mask: Optional bool tensor `(batch, num_frames)`; True keeps a frame.
            The output of other frames is zero; their values, NaN included,
            have no influence.

    Output shape: that of the frames.

    Raises:
        ValueError: If an argument or the shape or dtype of an input is invalid.

    Example:
    >>> import numpy as np
    >>> layer = FrameStandardization("feature")
    >>> frames = np.array([[[1.0, 10.0], [3.0, 10.0]]], "float32")
    >>> layer.adapt([frames])
    >>> np.array(layer(frames)).tolist()
    [[[-1.0, 0.0], [1.0, 0.0]]]
    """

    def __init__(self, mode="scale", dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        if mode not in MODES:
            raise ValueError(
                f"FrameStandardization expects mode to be one of {MODES}. "
                f"Received: mode={mode!r}. 'scale' is the usual choice."
            )
        self.mode = mode
        self.supports_masking = True

    def build(self, input_shape):
        check_frames(self, input_shape)
        dim = input_shape[-1]
        for name, shape, initializer in (
            ("mean", (dim,), "zeros"),
            ("deviation", (dim,) if self.mode == "feature" else (), "ones"),
        ):
            weight = self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                dtype="float32",
                trainable=False,
                autocast=False,
            )
            setattr(self, name, weight)

    def call(self, frames, mask=None):
        check_frames(self, frames.shape, frames.dtype)
        frames = ops.cast(frames, "float32")
        frames = (frames - self.mean) / self.deviation
        if mask is not None:
            check_mask(self, mask.shape, frames.shape)
            keep = ops.expand_dims(ops.cast(mask, "bool"), 2)
            frames = ops.where(keep, frames, 0.0)
        return ops.cast(frames, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        check_frames(self, input_shape)
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}

    def adapt(self, batches):
        """Sets the weights to the mean and the deviation of some frames.

        Args:
            batches: Iterable of float arrays `(batch, num_frames, dim)`, or of
                pairs of them and bool masks `(batch, num_frames)`. It is read
                once, and no more than one batch is held.

        Raises:
            ValueError: If there is no frame, or a value is not finite.
        """
        moments = None
        for batch in batches:
            frames, mask = batch if isinstance(batch, tuple) else (batch, None)
            frames = np.asarray(frames)
            check_frames(self, frames.shape, frames.dtype)
            kept = frames.reshape(-1, frames.shape[-1])
            if mask is not None:
                kept = frames[np.asarray(mask, bool)]
            moments = moments or FrameMoments(frames.shape[-1])
            moments.add(kept)
        if moments is None or not moments.count:
            raise ValueError(
                "adapt expects batches with at least one frame. Received: none."
            )
        self.set_statistics(moments.mean, moments.deviation)

    def set_statistics(self, mean, deviation):
        """Sets the weights.

        Args:
            mean: Floats `(dim,)`, the mean of each feature.
            deviation: Floats `(dim,)`, the standard deviation of each feature.

        Raises:
            ValueError: If shapes differ or a value is not finite.
        """
        mean, deviation = np.asarray(mean), np.asarray(deviation)
        fits = mean.ndim == 1 and mean.shape == deviation.shape
        if not fits or not np.isfinite([mean, deviation]).all():
            raise ValueError(
                f"{self.name} expects a finite mean and deviation of each "
                f"feature. Received: shapes {mean.shape} and "
                f"{deviation.shape}, {_count_infinite(mean, deviation)} values "
                "not finite. Remove clips with NaN or infinity."
            )
        if not self.built:
            self.build((None, None, len(mean)))
            self.built = True
        scale = np.sqrt(np.mean(np.square(deviation, dtype=np.float64)))
        divisor = scale or 1.0  # all frames are equal
        if self.mode == "feature":
            divisor = np.maximum(deviation, SMALLEST_DEVIATION * divisor)
        self.mean.assign(mean)
        self.deviation.assign(divisor)


def _count_infinite(*arrays):
    return sum(int((~np.isfinite(x)).sum()) for x in arrays)
