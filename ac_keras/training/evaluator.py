"""Measuring a classifier on a split."""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras import metrics
from ac_keras.pipeline import Description
from ac_keras.training.update_step import clip_losses
from ac_keras.training.update_step import with_logits

EvaluationData = Callable[[int, tuple[int, int]], tf.data.Dataset]


class Evaluator:
    """Evaluates a model over all replicas and hosts of a strategy.

    To be made under the strategy's scope. Batches may be uneven, and fewer
    than replicas.

    Args:
        model: A model of `cluster_classifier`.
        metrics: Keras metrics of labels and probabilities.
        multi_label: Whether labels are `(batch, num_classes)` of 0 and 1.
        strategy: The strategy; None takes the current one.
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
        self._outputs = with_logits(model)
        self._made_of = None
        self._step = tf.function(self._run, reduce_retracing=True)

    def evaluate(
        self,
        data: EvaluationData,
        batch_size: int,
        before_batch: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """Measures the model.

        Args:
            data: Gives the batches, from a batch size and a share as
                `evaluation_batches` takes them.
            batch_size: Clips at a time, over all replicas.
            before_batch: Called before each batch, if given; may raise.

        Returns:
            `loss` and every metric, by its name.
        """
        for metric in (self._loss, *self.metrics):
            metric.reset_state()

        def share(context):
            size = context.get_per_replica_batch_size(batch_size)
            return data(
                size, (context.input_pipeline_id, context.num_input_pipelines)
            )

        if self._made_of != (data, batch_size):  # It takes a while to make.
            self._made_of = data, batch_size
            self._batches = self._strategy.distribute_datasets_from_function(
                share
            )
        for batch in self._batches:
            if before_batch:
                before_batch()
            self._step(batch)
        return {
            metric.name: float(metric.result())
            for metric in (self._loss, *self.metrics)
        }

    def _run(self, batch):
        self._strategy.run(self._replica_step, args=(batch,))

    def _replica_step(self, batch):
        features, labels = batch
        logits, probabilities = self._outputs(features, training=False)
        self._loss.update_state(clip_losses(logits, labels, self.multi_label))
        for metric in self.metrics:
            metric.update_state(labels, probabilities)


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
