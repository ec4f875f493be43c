"""The test of a trained model, and of the SavedModel made from it."""

import pathlib

import keras
import tensorflow as tf

from ac_keras import serving
from ac_keras.pipeline import Description
from ac_keras.training.evaluator import EvaluationData
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.standard_metrics import evaluation_metrics

REPEATED_BYTES = 2**28


def evaluate(
    model: keras.Model,
    description: Description,
    data: EvaluationData,
    batch_size: int,
) -> tuple[dict[str, float], list[keras.metrics.Metric]]:
    """Measures a model on one device.

    Args:
        model: A model of `cluster_classifier`.
        description: Its dataset.
        data: Gives a split's batches, from a batch size and a share.
        batch_size: Clips at a time.

    Returns:
        The figures, and the metrics behind them.
    """
    metrics = evaluation_metrics(description)
    evaluator = Evaluator(model, metrics, description.multi_label)
    return evaluator.evaluate(data, batch_size), metrics


def export_and_check(
    model: keras.Model,
    description: Description,
    batches: tf.data.Dataset,
    directory: pathlib.Path,
) -> serving.SavedModelCheck:
    """Writes a SavedModel and repeats the first batches with it.

    Args:
        model: A model of `cluster_classifier`.
        description: Its dataset.
        batches: Pairs of features and labels. As many are repeated, in a
            process of its own, as fit into 256 MiB, and at least one.
        directory: The folder of the versions.
    """
    version = serving.export_saved_model(
        model, directory, description.class_names
    )
    features, _ = next(iter(batches))
    num_bytes = sum(x.numpy().nbytes for x in features.values())
    fitting = max(REPEATED_BYTES // num_bytes, 1)
    return serving.check_saved_model(model, version, batches.take(fitting))
