"""Hit@1."""

import keras
from keras import ops

from ac_keras.metrics.metric_inputs import read_multi_hot
from ac_keras.metrics.metric_inputs import read_weights


@keras.saving.register_keras_serializable(package="ac_keras")
class HitAtOne(keras.metrics.Mean):
    """Hit@1: the fraction of videos whose best-scored class is a label.

    A video without labels is a miss. Among classes with equal scores, the
    first is the best. The result is NaN if a score of a video with nonzero
    weight is NaN, and 0 without data.

    Args:
        name: The metric's name.
        dtype: The dtype of its sums.

    Call arguments:
        y_true: Labels `(batch, num_classes)` of 0 and 1, any dtype.
        y_pred: Scores `(batch, num_classes)` of any floating dtype.
        sample_weight: Optional weights `(batch,)` or `(batch, 1)`.

    Raises:
        ValueError: If the shape or dtype of an argument is invalid.

    Example:
    >>> metric = HitAtOne()
    >>> metric.update_state([[1, 0, 1], [0, 1, 0]], [[.1, .2, .7], [.9, .1, 0]])
    >>> float(metric.result())
    0.5

    References:
        Abu-El-Haija et al., YouTube-8M, 2016, section 5.1.
    """

    def __init__(self, name="hit_at_1", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of videos."""
        labels, scores = read_multi_hot(self, y_true, y_pred)
        best = ops.argmax(scores, axis=-1)[:, None]
        hits = ops.take_along_axis(labels, best, axis=-1)[:, 0]
        weights = read_weights(self, sample_weight, hits)
        broken = ops.any(ops.isnan(scores), axis=-1) & (weights != 0)
        super().update_state(ops.where(broken, float("nan"), hits), weights)
