"""Per-class accuracy and the confusion matrix."""

import keras
import numpy as np
from keras import ops

from ac_keras.metrics.metric_inputs import read_class_indices
from ac_keras.metrics.metric_inputs import read_scores
from ac_keras.metrics.metric_inputs import read_weights


@keras.saving.register_keras_serializable(package="ac_keras")
class PerClassAccuracy(keras.metrics.Metric):
    """The mean over classes of the accuracy on the class's videos.

    Every video has one class. Classes without videos do not count. Among
    classes with equal scores, the first is predicted. The result is NaN if a
    video with nonzero weight has a NaN score or an invalid label, and 0
    without data.

    Args:
        num_classes: Integer, the number of classes.
        name: The metric's name.
        dtype: The dtype of the result.

    Call arguments:
        y_true: Indices of the classes, `(batch,)` or `(batch, 1)`, any dtype.
        y_pred: Scores `(batch, num_classes)` of any floating dtype.
        sample_weight: Optional weights `(batch,)` or `(batch, 1)`. A video
            with weight 0 is not in the confusion matrix, which counts every
            other video as one.

    Raises:
        ValueError: If the shape or dtype of an argument is invalid.

    Example:
    >>> metric = PerClassAccuracy(3)
    >>> metric.update_state([0, 0, 2], [[.8, .1, .1], [.2, .7, .1], [0., 0, 1]])
    >>> float(metric.result())
    0.75
    >>> metric.confusion_matrix().tolist()
    [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    """

    def __init__(self, num_classes, name="per_class_accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if num_classes < 1:
            raise ValueError(
                "PerClassAccuracy expects num_classes of 1 or more. Received: "
                f"num_classes={num_classes}. Pass the number of columns of the "
                "scores."
            )
        self.num_classes = num_classes
        self._counts = self._add_state((num_classes, num_classes), "counts")
        self._right = self._add_state((num_classes,), "right")
        self._weights = self._add_state((num_classes,), "weights")
        self._num_broken = self._add_state((), "num_broken")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of videos."""
        classes = read_class_indices(self, y_true)
        scores = read_scores(self, y_pred, self.num_classes)
        num_labels, num_scores = classes.shape[0], scores.shape[0]
        if None not in (num_labels, num_scores) and num_labels != num_scores:
            raise ValueError(
                "PerClassAccuracy expects a label for each row of scores. "
                f"Received: {num_labels} labels for {num_scores} rows. Pass "
                "both for the same batch."
            )
        weights = read_weights(self, sample_weight, classes)
        known = (classes >= 0) & (classes < self.num_classes)
        valid = known & ~ops.any(ops.isnan(scores), axis=-1)
        counted = valid & (weights != 0)
        broken = ops.cast(~valid & (weights != 0), "float32")
        self._num_broken.assign_add(ops.sum(broken))
        chosen = ops.cast(ops.argmax(scores, axis=-1), "int32")
        classes = ops.clip(classes, 0, self.num_classes - 1)
        weights = ops.where(counted, weights, 0.0)
        right = ops.where(chosen == classes, weights, 0.0)
        cells = classes * self.num_classes + chosen
        cells = self._sum_by(cells, ops.cast(counted, "float32"), 2)
        self._counts.assign_add(ops.reshape(cells, self._counts.shape))
        self._right.assign_add(self._sum_by(classes, right))
        self._weights.assign_add(self._sum_by(classes, weights))

    def result(self):
        """Computes the mean accuracy of the classes that occurred."""
        weights = ops.convert_to_tensor(self._weights)
        occurred = weights != 0
        shares = ops.convert_to_tensor(self._right) / ops.where(
            occurred, weights, 1.0
        )
        number = ops.sum(ops.cast(occurred, "float32"))
        mean = ops.sum(shares) / ops.maximum(number, 1.0)
        broken = ops.convert_to_tensor(self._num_broken) > 0
        return ops.cast(ops.where(broken, float("nan"), mean), self.dtype)

    def accuracies(self):
        """Computes each class's accuracy.

        Returns:
            Float64 NumPy array `(num_classes,)`, NaN for classes that did not
            occur.

        Raises:
            ValueError: If a score was NaN or a label was invalid.
        """
        self._check_valid()
        right, weights = (
            ops.convert_to_numpy(x).astype(np.float64)
            for x in (self._right, self._weights)
        )
        empty = np.full(self.num_classes, np.nan)
        return np.divide(right, weights, out=empty, where=weights != 0)

    def confusion_matrix(self):
        """Counts the videos of each class by predicted class.

        Returns:
            Int64 NumPy array `(num_classes, num_classes)`: the row is the true
            class, the column the predicted one.

        Raises:
            ValueError: If a score was NaN or a label was invalid.
        """
        self._check_valid()
        counts = np.rint(ops.convert_to_numpy(self._counts))
        return counts.astype(np.int64)

    def get_config(self):
        """Returns the arguments that make such a metric."""
        return {**super().get_config(), "num_classes": self.num_classes}

    def _add_state(self, shape, name):
        return self.add_variable(shape, "zeros", dtype="float32", name=name)

    def _sum_by(self, ids, values, power=1):
        number = self.num_classes**power
        return ops.segment_sum(values, ids, num_segments=number)

    def _check_valid(self):
        number = int(ops.convert_to_numpy(self._num_broken))
        if number:
            raise ValueError(
                "PerClassAccuracy expects scores without NaN and labels from "
                f"0 to {self.num_classes - 1}. Received: {number} videos with "
                "others. Fix the data or the model, then call reset_state()."
            )
