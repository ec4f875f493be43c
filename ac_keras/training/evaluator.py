"""Measuring a classifier on a split."""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf

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
