"""A training step: loss, gradients, clipping and update."""

import functools

import keras
import numpy as np
import tensorflow as tf

from ac_keras.models import logits_model

FIRST_LOSS_SCALE = 2.0**15
STEPS_TO_GROW = 2000  # finite steps until the loss scale doubles
LARGE = 2**20  # elements of a weight whose update is compiled


class UpdateStep:
    """Updates a model from one batch, on each replica of a strategy.

    The gradient is that of the mean loss over the whole batch. Replicas sum
    their gradients before the norm is computed and clipped, so the update does
    not depend on the number of replicas or accumulation steps. Dropout masks
    depend only on the seed, the step and the replica. An update whose gradients
    are not finite is skipped. On a single replica, XLA compiles the update of
    large weights into one pass for each slot and one for the weight.

    Create it under the strategy's scope.

    Args:
        model: A `ClipClassifier`, or another functional model that ends in an
            activation. A multiplier needs its attribute `classifier`.
        optimizer: A Keras optimizer. Its own gradient clipping, moving average
            and gradient accumulation are not used.
        multi_label: Whether labels are `(batch, num_classes)` of 0 and 1.
        class_weights: Optional floats `(num_classes,)`, the weight of a clip
            by its label.
        classifier_lr_multiplier: Factor on the learning rate of the
            classifier's weights. A shifted global feature has norm 1 and needs
            a classifier with large weights; see docs/results/flash_mnist.md.
        clip_norm: Maximum L2 norm of all gradients together (section 5.4); 0
            disables clipping.
        gradient_accumulation_steps: Number of parts into which each replica
            splits its clips, to save memory.
        ema_model: Optional clone of the model, which receives the exponential
            moving average of the weights.
        ema_momentum: Weight of the previous average, from 0 to 1.
        scale_loss: Whether to scale the loss dynamically, for float16.
        seed: Integer, the seed of dropout.
        jit_compile: Whether to compile loss and gradients with XLA.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        *,
        multi_label: bool = False,
        class_weights: np.ndarray | None = None,
        classifier_lr_multiplier: float = 1.0,
        clip_norm: float = 0.0,
        gradient_accumulation_steps: int = 1,
        ema_model: keras.Model | None = None,
        ema_momentum: float = 0.0,
        scale_loss: bool = False,
        seed: int = 0,
        jit_compile: bool = False,
    ):
        self.optimizer = optimizer
        self.multi_label = multi_label
        self.class_weights = class_weights
        self.clip_norm = clip_norm
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.ema_model = ema_model
        self.ema_momentum = ema_momentum
        self.seed = seed
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.loss_scale = None
        if scale_loss:
            self.loss_scale = tf.Variable(FIRST_LOSS_SCALE, trainable=False)
            self.finite_steps = tf.Variable(0, trainable=False)
        self._weights = model.trainable_variables
        classifier = set()
        if classifier_lr_multiplier != 1.0:
            classifier = {id(x) for x in model.classifier.weights}
        self._multipliers = [
            classifier_lr_multiplier if id(x) in classifier else 1.0
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
        """Variables to save besides the model's, to resume exactly."""
        found = [x.value for x in self.optimizer.variables] + [self.step]
        if self.ema_model is not None:
            found += [x.value for x in self.ema_model.variables]
        if self.loss_scale is not None:
            found += [self.loss_scale, self.finite_steps]
        return found

    def __call__(
        self, features: dict, labels: tf.Tensor, batch_size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Updates the model. Call it in a replica context.

        Args:
            features: Features of the replica's clips.
            labels: Labels of the replica's clips.
            batch_size: Number of clips in the whole batch, over all replicas.

        Returns:
            The mean loss of the whole batch, a scalar, and the probabilities
            of the replica's clips `(batch, num_classes)`. The loss is NaN if
            the gradients are not finite and the loss is not scaled.
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
        if self.loss_scale is None:  # Otherwise a smaller scale may fix it.
            loss = tf.where(finite, loss, float("nan"))
        replica.merge_call(self._apply, args=(gradients, factor, finite))
        return loss, probabilities

    def _seed_dropout(self, replica_id):
        fold_in = tf.random.experimental.stateless_fold_in
        seed = fold_in(tf.constant([self.seed, 0], tf.int64), self.step)
        seed = fold_in(seed, tf.cast(replica_id, tf.int64))
        first = tf.constant(0, tf.int64)
        for index, state in enumerate(self._random_states):
            # Layers fold the number of their draw into the index again.
            value = fold_in(fold_in(seed, tf.constant(index, tf.int64)), first)
            state.assign(tf.cast(value % (2**31 - 1), state.dtype))

    def _gradients(self, features, labels, batch_size):
        num_parts = self.gradient_accumulation_steps
        if num_parts == 1:
            return self._part(features, labels, batch_size)

        def split(x):
            shape = tf.shape(x)
            size = shape[0] // num_parts
            return tf.reshape(x, tf.concat([[num_parts, size], shape[1:]], 0))

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
            lambda index, *_: index < num_parts,
            add,
            state,
            shape_invariants=(*shapes[:2], rows, shapes[3]),
            parallel_iterations=1,
        )
        return result

    def _part_gradients(self, features, labels, batch_size):
        with tf.GradientTape() as tape:
            logits, probabilities = self._outputs(features, training=True)
            losses = per_example_loss(logits, labels, self.multi_label)
            if self.class_weights is not None:
                losses *= tf.gather(self.class_weights, labels)
            loss = tf.reduce_sum(losses) / batch_size
            scaled = loss
            if self.loss_scale is not None:
                scaled *= self.loss_scale
        gradients = tape.gradient(scaled, [x.value for x in self._weights])
        return loss, probabilities, gradients

    def _apply(self, strategy, gradients, factor, finite):
        """Updates all weights, in the cross-replica context."""
        averages = [None] * len(self._weights)
        if self.ema_model is not None:
            averages = self.ema_model.trainable_variables
        base_rate = self.optimizer.learning_rate

        def update(weight, gradient, factor, finite, average, multiplier):
            def move(gradient, factor, rate):
                self.optimizer.update_step(gradient * factor, weight, rate)
                if average is not None:
                    difference = weight - average.value
                    average.assign(
                        average.value + (1.0 - self.ema_momentum) * difference
                    )
                return True

            if self._is_compiled(strategy, weight):
                move = tf.function(move, jit_compile=True)
            return tf.cond(
                finite,
                lambda: move(gradient, factor, base_rate * multiplier),
                lambda: True,
            )

        for weight, gradient, average, multiplier in zip(
            self._weights, gradients, averages, self._multipliers, strict=True
        ):
            strategy.extended.update(
                weight.value,
                functools.partial(
                    update, average=average, multiplier=multiplier
                ),
                args=(gradient, factor, finite),
                group=False,
            )
        self._count(strategy, finite)

    def _is_compiled(self, strategy, weight):
        # XLA does not support several logical devices of a CPU.
        is_single = strategy.num_replicas_in_sync == 1
        return is_single and weight.shape.num_elements() >= LARGE

    def _count(self, strategy, finite):
        def count(variable, finite):
            return variable.assign_add(tf.cast(finite, variable.dtype))

        update = strategy.extended.update
        update(self.step, lambda x: x.assign_add(1), group=False)
        update(self.optimizer.iterations.value, count, (finite,), group=False)
        if self.loss_scale is not None:
            update(self.finite_steps, _count_finite, (finite,), group=False)
            update(
                self.loss_scale,
                lambda x, f: x.assign(self._next_scale(x, f)),
                (finite,),
                group=False,
            )

    def _next_scale(self, scale, finite):
        grown = tf.where(self.finite_steps >= STEPS_TO_GROW, 2.0, 1.0)
        return tf.where(finite, scale * grown, tf.maximum(scale / 2, 1.0))


def per_example_loss(
    logits: tf.Tensor, labels: tf.Tensor, multi_label: bool
) -> tf.Tensor:
    """Computes the cross entropy of each clip.

    Args:
        logits: Floats `(batch, num_classes)`.
        labels: Integers `(batch,)`, or 0 and 1 `(batch, num_classes)`.
        multi_label: Whether a clip has several labels. The loss is then the
            sum over the classes.

    Returns:
        float32 `(batch,)`.
    """
    logits = tf.cast(logits, tf.float32)
    if multi_label:
        return tf.reduce_sum(
            tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), axis=1
        )
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def balanced_class_weights(class_counts: np.ndarray) -> np.ndarray:
    """Computes the weight 1/S of a clip in a class of S clips (section 5.4).

    The weights are scaled to a mean of 1 over the clips, so that the scale of
    the loss and of its gradients does not change.

    Args:
        class_counts: Integers `(num_classes,)`, the number of clips by class.

    Returns:
        float32 `(num_classes,)`; 0 for a class without clips.

    Raises:
        ValueError: If no class has a clip.
    """
    counts = np.asarray(class_counts, np.float64)
    present = counts > 0
    if not present.any():
        raise ValueError(
            "balanced_class_weights expects at least one clip. Received: "
            f"class_counts={class_counts}."
        )
    weights = np.zeros_like(counts)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights.astype(np.float32)


def _at(structure, index):
    return tf.nest.map_structure(lambda x: x[index], structure)


def _count_finite(steps, finite):
    more = tf.where(steps >= STEPS_TO_GROW, 0, steps + 1)
    return steps.assign(tf.where(finite, more, 0))
