"""One step of training: loss, gradients, clipping and update."""

import functools

import keras
import numpy as np
import tensorflow as tf

from ac_keras.models import logits_model

FIRST_LOSS_SCALE = 2.0**15
STEPS_TO_GROW = 2000
LARGE = 2**20  # elements of a weight whose update is compiled


class UpdateStep:
    """Updates a model by a batch, as each replica of a strategy calls it.

    The gradient is that of the whole batch's mean loss: replicas sum theirs
    before the norm is taken and clipped, so that any number of replicas, and
    of parts, makes the same update. Masks of dropout follow from the seed,
    the step and the replica alone. An update whose gradients are not finite
    is left out. On one replica XLA compiles the updates of large weights: each
    is then one pass for every slot and one for the weight.

    To be made under the strategy's scope.

    Args:
        model: A model of `cluster_classifier`.
        optimizer: A Keras optimizer. Its own clipping, averaging and
            accumulation are not used.
        multi_label: Whether labels are `(batch, num_classes)` of 0 and 1.
        class_weights: Optional floats `(num_classes,)`, the weight of a clip
            by its label.
        classifier_rate: What the learning rate of the classifier's weights
            is multiplied by. A shifted global feature has norm 1 and wants a
            classifier of large weights; see docs/results/flash_mnist.md.
        clip_norm: The highest L2 norm of all gradients together (section
            5.4); 0 does not clip.
        num_parts: Parts in which a replica works through its clips, one
            after the other, to need less memory.
        averages: Optional clone of the model that is kept at the moving
            average of its weights.
        average_momentum: Weight of the old average.
        scale_loss: Whether to scale the loss, for float16.
        seed: Integer that decides the dropout.
        jit_compile: Whether XLA compiles loss and gradients.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        *,
        multi_label: bool = False,
        class_weights: np.ndarray | None = None,
        classifier_rate: float = 1.0,
        clip_norm: float = 0.0,
        num_parts: int = 1,
        averages: keras.Model | None = None,
        average_momentum: float = 0.0,
        scale_loss: bool = False,
        seed: int = 0,
        jit_compile: bool = False,
    ):
        self.optimizer = optimizer
        self.multi_label = multi_label
        self.class_weights = class_weights
        self.clip_norm = clip_norm
        self.num_parts = num_parts
        self.averages = averages
        self.average_momentum = average_momentum
        self.seed = seed
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.loss_scale = None
        if scale_loss:
            self.loss_scale = tf.Variable(FIRST_LOSS_SCALE, trainable=False)
            self.sound_steps = tf.Variable(0, trainable=False)
        self._weights = model.trainable_variables
        classifier = set()
        if classifier_rate != 1.0:
            classifier = {id(x) for x in model.classifier.weights}
        self._rates = [
            classifier_rate if id(x) in classifier else 1.0
            for x in self._weights
        ]
        self._random_states = [
            x for x in model.variables if x.path.endswith("generator_state")
        ]
        self._outputs = logits_model(model)
        optimizer.build(self._weights)
        self._part = tf.function(self._part_gradients, jit_compile=jit_compile)

    @property
    def variables(self) -> list[tf.Variable]:
        """What has to be saved, besides the model, to go on exactly."""
        found = [x.value for x in self.optimizer.variables] + [self.step]
        if self.averages is not None:
            found += [x.value for x in self.averages.variables]
        if self.loss_scale is not None:
            found += [self.loss_scale, self.sound_steps]
        return found

    def __call__(
        self, features: dict, labels: tf.Tensor, batch_size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes the step, in a replica's context.

        Args:
            features: The replica's features.
            labels: Their labels.
            batch_size: Clips in the whole batch, over all replicas.

        Returns:
            The whole batch's mean loss, a scalar, NaN where the gradients are
            not finite and no loss is scaled; and the replica's probabilities
            `(batch, num_classes)`.
        """
        replica = tf.distribute.get_replica_context()
        self._seed_dropout(replica.replica_id_in_sync_group)
        loss, probabilities, gradients = self._gradients(
            features, labels, batch_size
        )
        loss, *gradients = replica.all_reduce(
            tf.distribute.ReduceOp.SUM, [loss, *gradients]
        )
        norm, factor = tf.linalg.global_norm(gradients), tf.constant(1.0)
        if self.loss_scale is not None:
            factor = 1.0 / self.loss_scale
            norm *= factor
        if self.clip_norm:
            factor *= self.clip_norm / tf.maximum(norm, self.clip_norm)
        finite = tf.math.is_finite(norm)
        if self.loss_scale is None:  # Else a smaller scale may mend it.
            loss = tf.where(finite, loss, float("nan"))
        replica.merge_call(self._apply, args=(gradients, factor, finite))
        return loss, probabilities

    def _seed_dropout(self, replica_id):
        fold_in = tf.random.experimental.stateless_fold_in
        seed = fold_in(tf.constant([self.seed, 0], tf.int64), self.step)
        seed = fold_in(seed, tf.cast(replica_id, tf.int64))
        first = tf.constant(0, tf.int64)
        for index, state in enumerate(self._random_states):
            # Twice, as layers count their draws where the index stands else.
            own = fold_in(fold_in(seed, tf.constant(index, tf.int64)), first)
            state.assign(tf.cast(own % (2**31 - 1), state.dtype))

    def _gradients(self, features, labels, batch_size):
        if self.num_parts == 1:
            return self._part(features, labels, batch_size)

        def split(x):
            shape = tf.shape(x)
            size = shape[0] // self.num_parts
            return tf.reshape(
                x, tf.concat([[self.num_parts, size], shape[1:]], 0)
            )

        parts = tf.nest.map_structure(split, (features, labels))
        first = self._part(*_at(parts, 0), batch_size)

        def add(index, loss, probabilities, gradients):
            more = self._part(*_at(parts, index), batch_size)
            gradients = [x + y for x, y in zip(gradients, more[2], strict=True)]
            probabilities = tf.concat([probabilities, more[1]], 0)
            return index + 1, loss + more[0], probabilities, gradients

        state = (tf.constant(1), *first)
        shapes = tf.nest.map_structure(lambda x: x.shape, state)
        rows = tf.TensorShape([None, first[1].shape[-1]])
        _, *result = tf.while_loop(
            lambda index, *_: index < self.num_parts,
            add,
            state,
            shape_invariants=(*shapes[:2], rows, shapes[3]),
            parallel_iterations=1,
        )
        return result

    def _part_gradients(self, features, labels, batch_size):
        with tf.GradientTape() as tape:
            logits, probabilities = self._outputs(features, training=True)
            losses = clip_losses(logits, labels, self.multi_label)
            if self.class_weights is not None:
                losses *= tf.gather(self.class_weights, labels)
            loss = tf.reduce_sum(losses) / batch_size
            scaled = loss
            if self.loss_scale is not None:
                scaled *= self.loss_scale
        gradients = tape.gradient(scaled, [x.value for x in self._weights])
        return loss, probabilities, gradients

    def _apply(self, strategy, gradients, factor, finite):
        """Updates all weights, in the context of all replicas."""
        averages = [None] * len(self._weights)
        if self.averages is not None:
            averages = self.averages.trainable_variables
        base_rate = self.optimizer.learning_rate

        def update(weight, gradient, factor, finite, average, rate):
            def move(gradient, factor, rate):
                self.optimizer.update_step(gradient * factor, weight, rate)
                if average is not None:
                    share = 1.0 - self.average_momentum
                    gap = weight - average.value
                    average.assign(average.value + share * gap)
                return True

            if self._is_compiled(strategy, weight):
                move = tf.function(move, jit_compile=True)
            return tf.cond(
                finite,
                lambda: move(gradient, factor, base_rate * rate),
                lambda: True,
            )

        for weight, gradient, average, rate in zip(
            self._weights, gradients, averages, self._rates, strict=True
        ):
            strategy.extended.update(
                weight.value,
                functools.partial(update, average=average, rate=rate),
                args=(gradient, factor, finite),
                group=False,
            )
        self._count(strategy, finite)

    def _is_compiled(self, strategy, weight):
        # XLA does not work with several devices of a CPU.
        alone = strategy.num_replicas_in_sync == 1
        return alone and weight.shape.num_elements() >= LARGE

    def _count(self, strategy, finite):
        def count(variable, finite):
            return variable.assign_add(tf.cast(finite, variable.dtype))

        update = strategy.extended.update
        update(self.step, lambda x: x.assign_add(1), group=False)
        update(self.optimizer.iterations.value, count, (finite,), group=False)
        if self.loss_scale is not None:
            update(self.sound_steps, _grown, (finite,), group=False)
            update(
                self.loss_scale,
                lambda x, f: x.assign(self._next_scale(x, f)),
                (finite,),
                group=False,
            )

    def _next_scale(self, scale, finite):
        grown = tf.where(self.sound_steps >= STEPS_TO_GROW, 2.0, 1.0)
        return tf.where(finite, scale * grown, tf.maximum(scale / 2, 1.0))


def clip_losses(
    logits: tf.Tensor, labels: tf.Tensor, multi_label: bool
) -> tf.Tensor:
    """Gives the cross entropy of every clip, float32 `(batch,)`.

    With several labels a clip it is the sum over the classes.
    """
    logits = tf.cast(logits, tf.float32)
    if multi_label:
        return tf.reduce_sum(
            tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), axis=1
        )
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _at(structure, index):
    return tf.nest.map_structure(lambda x: x[index], structure)


def _grown(steps, finite):
    more = tf.where(steps >= STEPS_TO_GROW, 0, steps + 1)
    return steps.assign(tf.where(finite, more, 0))
