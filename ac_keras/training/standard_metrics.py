"""The figures that classifiers of videos are compared by."""

import keras

from ac_keras import metrics
from ac_keras.pipeline import Description


def training_metrics(description: Description) -> list[keras.metrics.Metric]:
    """Makes the metrics that are sums over clips, for training's batches.

    One label a clip: `accuracy` and `top_5_accuracy`. Several: `hit_at_1`
    and `perr`.
    """
    if description.multi_label:
        return [metrics.HitAtOne(), metrics.PrecisionAtEqualRecallRate()]
    return [
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        keras.metrics.SparseTopKCategoricalAccuracy(5, name="top_5_accuracy"),
    ]


def evaluation_metrics(description: Description) -> list[keras.metrics.Metric]:
    """Makes the same and those that need a whole split.

    One label a clip: `per_class_accuracy`. Several: `gap` and `map`.
    """
    num_classes = description.num_classes
    more = [metrics.PerClassAccuracy(num_classes)]
    if description.multi_label:
        more = [
            metrics.GlobalAveragePrecision(step_results=False),
            metrics.MeanAveragePrecision(num_classes, step_results=False),
        ]
    return training_metrics(description) + more


def figure_names(description: Description, validated: bool) -> list[str]:
    """Lists the figures of an epoch that can choose which to keep.

    Args:
        description: The dataset.
        validated: Whether there is a validation split.
    """
    summed, ranked = ["accuracy", "top_5_accuracy"], ["per_class_accuracy"]
    if description.multi_label:
        summed, ranked = ["hit_at_1", "perr"], ["gap", "map"]
    names = ["loss", *summed]
    if validated:
        names += [f"val_{name}" for name in ("loss", *summed, *ranked)]
    return names
