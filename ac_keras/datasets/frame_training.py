"""Pretraining of the frame CNN (supplement 1.2), as one compiled loop."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from ac_keras.datasets.digits import Digits
from ac_keras.datasets.frame_products import frame_logits

STEPS_AT_ONCE = 1024  # of which the frames are copied


def train_frame_cnn(
    cnn: keras.Model,
    frames: Digits,
    optimizer: keras.optimizers.Optimizer,
    batch_size: int,
    num_epochs: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, float]]:
    """Trains the CNN with cross-entropy, an epoch for each element asked for.

    What `fit` does with the same frames in the same order, but for rounding.
    A step of so few and small frames takes less time than what `fit` does
    around it, so that here XLA compiles the loop over steps.

    Args:
        cnn: An `ac_keras.models.frame_cnn`.
        frames: Images and what the CNN shall call them, in random order.
        optimizer: Whose learning rate may be a schedule.
        batch_size: Frames of a step; the last of an epoch may have fewer.
        num_epochs: Passes over the frames.
        rng: Decides their order from the second epoch on.

    Yields:
        An epoch's `loss` and `accuracy`, means over frames.
    """
    optimizer.build(cnn.trainable_variables)
    run_steps = _make_loop(cnn, optimizer, batch_size)
    count, at_once = len(frames.labels), STEPS_AT_ONCE * batch_size
    for epoch in range(num_epochs):
        order = rng.permutation(count) if epoch else np.arange(count)
        totals = np.zeros(2)
        for first in range(0, count, at_once):
            totals += run_steps(frames, order[first : first + at_once])
        yield dict(zip(("loss", "accuracy"), totals / count, strict=True))


def frame_accuracy(cnn: keras.Model, frames: Digits) -> float:
    """Gives the share of frames that the CNN names rightly."""
    right = 0
    for first in range(0, len(frames.labels), 1000):
        part = slice(first, first + 1000)
        pixels = frames.images[part, ..., None] * np.float32(1 / 255)
        named = np.argmax(cnn(pixels, training=False), axis=1)
        right += int(np.sum(named == frames.labels[part]))
    return right / len(frames.labels)


def _make_loop(cnn, optimizer, batch_size):
    """Makes a function that trains on some frames and sums over them."""
    variables = cnn.trainable_variables

    def step(images, labels):
        weights = [variable.value for variable in variables]
        real = tf.cast(labels >= 0, tf.float32)
        labels = tf.maximum(labels, 0)
        with tf.GradientTape() as tape:
            logits = frame_logits(weights, images)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, logits
            )
            total = tf.reduce_sum(losses * real)
            loss = total / tf.reduce_sum(real)
        optimizer.apply(tape.gradient(loss, weights), variables)
        right = tf.argmax(logits, 1, tf.int32) == labels
        return tf.stack(
            [total, tf.reduce_sum(tf.cast(right, tf.float32) * real)]
        )

    @tf.function(jit_compile=True)
    def run(images, labels, num_steps):
        def body(number, totals):
            first = number * batch_size
            part = step(
                tf.slice(
                    images, (first, 0, 0), (batch_size, *images.shape[1:])
                ),
                tf.slice(labels, (first,), (batch_size,)),
            )
            return number + 1, totals + part

        return tf.while_loop(
            lambda number, _: number < num_steps,
            body,
            (tf.constant(0), tf.zeros(2)),
        )[1]

    def run_steps(frames, order):
        # One size only, for XLA compiles each anew. Label -1 is no frame.
        size = STEPS_AT_ONCE * batch_size
        images = np.zeros((size, *frames.images.shape[1:]), np.uint8)
        images[: len(order)] = frames.images[order]
        labels = np.full(size, -1, np.int32)
        labels[: len(order)] = frames.labels[order]
        num_steps = -(-len(order) // batch_size)
        return run(images, labels, tf.constant(num_steps)).numpy()

    return run_steps
