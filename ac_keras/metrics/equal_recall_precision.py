"""Precision at equal recall rate."""

import keras
from keras import ops

from ac_keras.metrics.metric_inputs import read_multi_hot
from ac_keras.metrics.metric_inputs import read_weights

FEW_LABELS = 32


@keras.saving.register_keras_serializable(package="ac_keras")
class PrecisionAtEqualRecallRate(keras.metrics.Mean):
    """Precision at equal recall rate (PERR).

    For a video with n labels, the fraction of its n best-scored classes that
    are labels; the mean over all videos with labels. Among classes with equal
    scores, the first are the best. The result is NaN if a score of a counted
    video is NaN, and 0 without data.

    Arguments, call arguments and errors: as for `HitAtOne`.

    Example:
    >>> metric = PrecisionAtEqualRecallRate()
    >>> metric.update_state([[1, 0, 1], [0, 0, 0]], [[.1, .2, .7], [.9, .1, 0]])
    >>> float(metric.result())
    0.5

    References:
        Abu-El-Haija et al., YouTube-8M, 2016, section 5.1.
    """

    def __init__(self, name="perr", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of videos."""
        labels, scores = read_multi_hot(self, y_true, y_pred)
        num_labels = ops.sum(labels, axis=-1)
        weights = read_weights(self, sample_weight, num_labels)
        weights = ops.where(num_labels > 0, weights, 0.0)
        hits = self._count_hits(labels, scores, num_labels)
        values = hits / ops.maximum(num_labels, 1.0)
        broken = ops.any(ops.isnan(scores), axis=-1) & (weights != 0)
        super().update_state(ops.where(broken, float("nan"), values), weights)

    def _count_hits(self, labels, scores, num_labels):
        """Counts the labels among each video's n best-scored classes."""
        num_classes = scores.shape[-1]
        # NaN cannot be sorted; the result is NaN in any case.
        scores = ops.where(ops.isnan(scores), float("-inf"), scores)

        def count(k):
            best = ops.top_k(scores, k)[1]
            found = ops.take_along_axis(labels, best, axis=-1)
            ranks = ops.arange(k, dtype="float32")
            within = ops.cast(ranks < num_labels[:, None], "float32")
            return ops.sum(found * within, axis=-1)

        if num_classes <= FEW_LABELS:
            return count(num_classes)
        # True for nearly all batches; it avoids sorting thousands of classes.
        few = ops.all(num_labels <= FEW_LABELS)
        return ops.cond(
            few, lambda: count(FEW_LABELS), lambda: count(num_classes)
        )
