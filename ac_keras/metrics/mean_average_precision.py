"""Mean average precision."""

import keras
import numpy as np
from keras import ops

from ac_keras.metrics import ranked_groups
from ac_keras.metrics.metric_inputs import read_multi_hot
from ac_keras.metrics.metric_inputs import read_scores
from ac_keras.metrics.metric_inputs import reject_weights
from ac_keras.metrics.ranked_metric import RankedMetric


@keras.saving.register_keras_serializable(package="ac_keras")
class MeanAveragePrecision(RankedMetric):
    """Mean average precision (mAP): the mean over the classes.

    For each class, all videos are sorted by the score of the class, and the
    sum of the precision at each hit is divided by the number of hits. Classes
    that no video has do not count. The value is the mean over all orders of
    videos with equal scores, so it does not depend on the batches.

    The value is exact until a replica has seen `capacity` videos divided by
    the number of replicas. Then videos of neighbouring scores are merged,
    fewer at the top of the ranking, and count as evenly mixed. At fifty times
    the capacity, the error was below 1e-3 with a capacity of 512 on each
    replica and below 1e-4 with 4,096. Memory is 12 bytes times `capacity`
    times `num_classes`: 20 MB for 400 classes, 190 MB for 3,862, and about
    four times as much while merging or ranking.

    Scores are compared as float32. The result is NaN if a score is NaN, and 0
    without data or without labels.

    Args:
        num_classes: Integer, the number of classes.
        capacity: Integer, the number of kept videos of each class, over all
            replicas.
        step_results: Boolean, whether `result()` ranks inside a compiled step,
            as `fit` and `evaluate` call it for the progress bar. If False, it
            is NaN there and correct at the epoch's end, which is much faster
            with thousands of classes. TensorFlow only.
        name: The metric's name.
        dtype: The dtype of the result.

    Call arguments:
        y_true: Labels `(batch, num_classes)` of 0 and 1, any dtype.
        y_pred: Scores `(batch, num_classes)` of any floating dtype.
        sample_weight: None; the definition has no weights.

    Raises:
        ValueError: If the shape, dtype or value of an argument is invalid.

    Example:
    >>> metric = MeanAveragePrecision(2)
    >>> labels, scores = [[1, 0], [0, 1], [1, 0]], [[.6, .2], [.5, .4], [.1, 0]]
    >>> metric.update_state(labels, scores)
    >>> round(float(metric.result()), 4)  # ((1/1 + 2/3) / 2 + 1/1) / 2
    0.9167

    References:
        Abu-El-Haija et al., YouTube-8M, 2016, section 5.1.
    """

    def __init__(
        self,
        num_classes,
        capacity=4096,
        step_results=True,
        name="map",
        dtype=None,
    ):
        if num_classes < 1:
            raise ValueError(
                "MeanAveragePrecision expects num_classes of 1 or more. "
                f"Received: num_classes={num_classes}. Pass the number of "
                "columns of the scores."
            )
        super().__init__(num_classes, capacity, step_results, name, dtype)
        self.num_classes = num_classes

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of videos."""
        reject_weights(self, sample_weight)
        read_scores(self, y_pred, self.num_classes)
        labels, scores = read_multi_hot(self, y_true, y_pred)
        self._append(self._replace_broken(scores), labels)

    def average_precisions(self):
        """Computes each class's average precision.

        Returns:
            Float64 NumPy array `(num_classes,)`, NaN for classes that no
            video has, and for all if a score was NaN.
        """
        sums, counts = (ops.convert_to_numpy(x) for x in self._sum_classes())
        if float(ops.convert_to_numpy(self._num_broken)) > 0:
            return np.full(self.num_classes, np.nan)
        found = counts > 0
        empty = np.full(self.num_classes, np.nan)
        return np.divide(sums, counts, out=empty, where=found)

    def get_config(self):
        """Returns the arguments that make such a metric."""
        return {**super().get_config(), "num_classes": self.num_classes}

    def _sum_classes(self):
        """Computes the precision sums and the hits of each class."""
        scores, hits, totals = self._read_groups()
        sums = ranked_groups.precision_sums(scores, hits, totals)
        return sums, ops.cast(ops.sum(hits, axis=-1), sums.dtype)

    def _ranked_result(self):
        sums, counts = self._sum_classes()
        found = ops.cast(counts > 0, sums.dtype)
        means = sums / ops.maximum(counts, 1)  # 0 where there is no hit
        return ops.sum(means) / ops.maximum(ops.sum(found), 1)
