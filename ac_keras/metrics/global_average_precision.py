"""Global average precision."""

import keras
from keras import ops

from ac_keras.metrics import ranked_groups
from ac_keras.metrics.metric_inputs import read_multi_hot
from ac_keras.metrics.metric_inputs import reject_weights
from ac_keras.metrics.ranked_metric import RankedMetric


@keras.saving.register_keras_serializable(package="ac_keras")
class GlobalAveragePrecision(RankedMetric):
    """Global average precision (GAP): all videos' best classes in one list.

    The `top_k` best-scored classes of each video (the first among equal
    scores) are pooled and sorted by score. The sum of the precision at each
    hit is divided by the number of labels of all videos, including labels
    that are not in the pool. The value is the mean over all orders of entries
    with equal scores, so it does not depend on the batches.

    The value is exact until a replica has pooled `capacity` entries divided by
    the number of replicas, and close to it after that: rounding, errors and
    missing values are as for `MeanAveragePrecision`. Memory is 12 bytes times
    `capacity`, 3 MB by default, and about 30 MB while ranking.

    Args:
        top_k: Integer, the number of pooled classes of each video.
        capacity: Integer, the number of kept entries, over all replicas.
        step_results: As for `MeanAveragePrecision`.
        name: The metric's name.
        dtype: The dtype of the result.

    Call arguments and errors: as for `MeanAveragePrecision`.

    Example:
    >>> metric = GlobalAveragePrecision()
    >>> labels, scores = [[1, 0, 1], [0, 0, 0]], [[.6, .2, .7], [.65, .1, 0]]
    >>> metric.update_state(labels, scores)
    >>> round(float(metric.result()), 4)  # (1/1 + 2/3) / 2
    0.8333

    References:
        Abu-El-Haija et al., YouTube-8M, 2016; GAP@20 of its challenges.
    """

    def __init__(
        self,
        top_k=20,
        capacity=2**18,
        step_results=True,
        name="gap",
        dtype=None,
    ):
        if top_k < 1:
            raise ValueError(
                "GlobalAveragePrecision expects top_k of 1 or more. Received: "
                f"top_k={top_k}. The benchmark uses 20."
            )
        super().__init__(1, capacity, step_results, name, dtype)
        self.top_k = top_k
        self._num_labels = self._add_state((), "num_labels")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of videos."""
        reject_weights(self, sample_weight)
        labels, scores = read_multi_hot(self, y_true, y_pred)
        self._num_labels.assign_add(ops.sum(labels))
        scores = self._replace_broken(scores)
        best, classes = ops.top_k(scores, min(self.top_k, scores.shape[-1]))
        hits = ops.take_along_axis(labels, classes, axis=-1)
        self._append(ops.reshape(best, (-1, 1)), ops.reshape(hits, (-1, 1)))

    def get_config(self):
        """Returns the arguments that make such a metric."""
        return {**super().get_config(), "top_k": self.top_k}

    def _ranked_result(self):
        sums = ranked_groups.precision_sums(*self._read_groups())
        count = ops.cast(ops.convert_to_tensor(self._num_labels), sums.dtype)
        return sums[0] / ops.maximum(count, 1)
