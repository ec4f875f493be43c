"""Evaluation of a classifier on a split, and the metrics of a dataset."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from ac_keras import metrics
from ac_keras.models import logits_model
from ac_keras.training.update_step import per_example_loss

if TYPE_CHECKING:  # Training itself needs nothing of the pipeline.
    from ac_keras.pipeline import Description

EvaluationData = Callable[[int, tuple[int, int]], tf.data.Dataset]


class Evaluator:
    """Evaluates a model on all replicas and hosts of a strategy.

    Create it under the strategy's scope. Batches may be uneven, and a batch
    may have fewer clips than there are replicas.

    Args:
        model: A model of `cluster_classifier`.
        metrics: Keras metrics of labels and probabilities.
        multi_label: Whether labels are `(batch, num_classes)` of 0 and 1.
        strategy: Strategy to use, the current one by default.
    """

    def __init__(
        self,
        model: keras.Model,
        metrics: Sequence[keras.metrics.Metric],
        multi_label: bool = False,
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.metrics = list(metrics)
        self.multi_label = multi_label
        self._strategy = strategy or tf.distribute.get_strategy()
        self._loss = keras.metrics.Mean(name="loss")
        self._outputs = logits_model(model)
        self._source = None
        self._step = tf.function(self._run, reduce_retracing=True)

    def evaluate(
        self,
        data: EvaluationData,
        batch_size: int,
        before_batch: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """Computes the loss and the metrics over a split.

        Args:
            data: Function from a batch size and a shard `(index, count)` to
                the batches, as `evaluation_batches` takes them.
            batch_size: Number of clips in a batch, over all replicas.
            before_batch: Optional function that is called before each batch.
                It may raise to stop the evaluation.

        Returns:
            `loss` and the value of every metric, by name.
        """
        for metric in (self._loss, *self.metrics):
            metric.reset_state()

        def read(context):
            return data(
                context.get_per_replica_batch_size(batch_size),
                (context.input_pipeline_id, context.num_input_pipelines),
            )

        if self._source != (data, batch_size):  # Distributing takes a while.
            self._source = data, batch_size
            self._batches = self._strategy.distribute_datasets_from_function(
                read
            )
        for batch in self._batches:
            if before_batch:
                before_batch()
            self._step(batch)
        return {
            metric.name: float(metric.result())
            for metric in (self._loss, *self.metrics)
        }

    def with_intervals(self, values: Mapping[str, float]) -> dict:
        """Adds the number of clips and 95 % intervals to an evaluation.

        Args:
            values: What `evaluate` has just returned.

        Returns:
            `num_clips`, the values, and pairs of limits under
            `NAME_interval`; see `metrics.metric_intervals`.
        """
        num_clips, confusion = int(self._loss.count), None
        for metric in self.metrics:
            if isinstance(metric, metrics.PerClassAccuracy):
                confusion = metric.confusion_matrix()
        intervals = metrics.metric_intervals(values, num_clips, confusion)
        return {"num_clips": num_clips, **values, **intervals}

    def _run(self, batch):
        self._strategy.run(self._replica_step, args=(batch,))

    def _replica_step(self, batch):
        features, labels = batch
        logits, probabilities = self._outputs(features, training=False)
        losses = per_example_loss(logits, labels, self.multi_label)
        self._loss.update_state(losses)
        for metric in self.metrics:
            metric.update_state(labels, probabilities)


def training_metrics(
    description: "Description",
) -> list[keras.metrics.Metric]:
    """Creates the metrics that are sums over clips, for training batches.

    With one label per clip: `accuracy` and `top_5_accuracy`. With several:
    `hit_at_1` and `perr`.
    """
    if description.multi_label:
        return [metrics.HitAtOne(), metrics.PrecisionAtEqualRecallRate()]
    return [
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        keras.metrics.SparseTopKCategoricalAccuracy(5, name="top_5_accuracy"),
    ]


def evaluation_metrics(
    description: "Description",
) -> list[keras.metrics.Metric]:
    """Creates the training metrics and those that need a whole split.

    With one label per clip, adds `per_class_accuracy`. With several, adds
    `gap` and `map`.
    """
    num_classes = description.num_classes
    more = [metrics.PerClassAccuracy(num_classes)]
    if description.multi_label:
        more = [
            metrics.GlobalAveragePrecision(step_results=False),
            metrics.MeanAveragePrecision(num_classes, step_results=False),
        ]
    return training_metrics(description) + more


def metric_names(description: "Description", validated: bool) -> list[str]:
    """Lists the metrics of an epoch by which the best can be chosen.

    Args:
        description: Description of the dataset.
        validated: Whether there is a validation split.
    """
    summed, ranked = ["accuracy", "top_5_accuracy"], ["per_class_accuracy"]
    if description.multi_label:
        summed, ranked = ["hit_at_1", "perr"], ["gap", "map"]
    names = ["loss", *summed]
    if validated:
        names += [f"val_{name}" for name in ("loss", *summed, *ranked)]
    return names
