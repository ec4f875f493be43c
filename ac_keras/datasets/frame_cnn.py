"""The frame CNN of Flash-MNIST, its training and features (supplement 1.2).

The CNN is computed as few, wide matrix products, which are faster on
processors than its layers and equal to them but for rounding.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from ac_keras.datasets.digits import Digits
from ac_keras.datasets.flash_mnist import NUM_FRAMES
from ac_keras.datasets.flash_mnist import FlashMnist
from ac_keras.models import frame_cnn
from ac_keras.utils import atomic_file

SIDE = 28  # pixels
_CELLS = 6  # along a side; a cell is 4 x 4 pixels, 2 x 2 after pooling
_CELL = 4
_KERNEL = 5
BATCH_SIZE = 16  # not in the paper; see data/flash_mnist/README.md
LEARNING_RATE = 1e-3
STEPS_AT_ONCE = 1024  # whose frames are copied to the compiled loop
CLIPS_AT_ONCE = 32  # whose features are computed in one call
_TEST_SHARE = 10  # test digits for each empty frame among test frames


def frame_features(weights: list[tf.Tensor], frames: tf.Tensor) -> tf.Tensor:
    """Computes the output of the layer `features` of `frame_cnn`.

    Args:
        weights: Kernels and biases of `frame_cnn`, in the layers' order.
        frames: uint8 `(batch, 28, 28)`.

    Returns:
        float32 `(batch, dim)`.
    """
    kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = weights[:6]
    pixels = tf.cast(frames, tf.float32) * (1 / 255)
    cells = tf.matmul(_windows(pixels), _wide_first(kernel_1))
    # (place in the cell after pooling, filter) remain.
    cells = tf.nn.relu(_pool(cells, 4) + tf.tile(bias_1, [4]))
    cells = tf.reshape(cells, (-1, _CELLS, _CELLS, cells.shape[1]))
    blocks = _convolve(cells, _wide_second(kernel_2))
    blocks = tf.reshape(blocks, (-1, blocks.shape[3]))
    blocks = tf.nn.relu(_pool(blocks, 4) + bias_2)
    flat = tf.reshape(blocks, (-1, kernel_3.shape[0]))
    return tf.nn.relu(tf.matmul(flat, kernel_3) + bias_3)


def frame_logits(weights: list[tf.Tensor], frames: tf.Tensor) -> tf.Tensor:
    """Computes the logits of `frame_cnn`, float32 `(batch, num_classes)`.

    The arguments are those of `frame_features`.
    """
    kernel, bias = weights[6:]
    return tf.matmul(frame_features(weights, frames), kernel) + bias


def _windows(pixels: tf.Tensor) -> tf.Tensor:
    """Extracts windows of 8 x 8 pixels with stride 4, `(batch * 36, 64)`."""
    cells = tf.reshape(pixels, (-1, SIDE // _CELL, _CELL, SIDE // _CELL, _CELL))
    rows = tf.concat([cells[:, :-1], cells[:, 1:]], 2)
    windows = tf.concat([rows[:, :, :, :-1], rows[:, :, :, 1:]], 4)
    return tf.reshape(tf.transpose(windows, (0, 1, 3, 2, 4)), (-1, 64))


def _wide_first(kernel: tf.Tensor) -> tf.Tensor:
    """Places a kernel `(5, 5, 1, filters)` 4 x 4 times, `(64, 16 filters)`."""
    # Outputs are in the order (place in the pool, place of the pool, filter).
    places = [
        (2 * pool_y + y, 2 * pool_x + x)
        for y in range(2)
        for x in range(2)
        for pool_y in range(2)
        for pool_x in range(2)
    ]
    return tf.reshape(_laid(kernel, places, 8), (64, -1))


def _wide_second(kernel: tf.Tensor) -> tf.Tensor:
    """Places a kernel 2 x 2 times, `(3, 3, 4 channels, 4 filters)`."""
    places = [(y, x) for y in range(2) for x in range(2)]
    laid = _laid(kernel, places, 6)
    channels, wide = kernel.shape[2], 4 * kernel.shape[3]
    laid = tf.reshape(laid, (3, 2, 3, 2, channels, wide))
    laid = tf.transpose(laid, (0, 2, 1, 3, 4, 5))
    return tf.reshape(laid, (3, 3, 4 * channels, wide))


@tf.custom_gradient
def _convolve(cells, kernel):
    """Convolves 6 x 6 cells to 4 x 4 blocks; XLA's gradients are slower."""
    channels, filters = kernel.shape[2:]
    offsets = [(y, x) for y in range(3) for x in range(3)]

    def gradients(upstream):
        blocks = tf.reshape(upstream, (-1, filters))
        windows = [cells[:, y : y + 4, x : x + 4] for y, x in offsets]
        windows = tf.reshape(tf.concat(windows, 3), (-1, 9 * channels))
        of_kernel = tf.matmul(windows, blocks, transpose_a=True)
        flat = tf.reshape(kernel, (9 * channels, filters))
        of_windows = tf.matmul(blocks, flat, transpose_b=True)
        of_windows = tf.reshape(of_windows, (-1, 4, 4, 9, channels))
        of_cells = [
            tf.pad(
                of_windows[:, :, :, number],
                ((0, 0), (y, 2 - y), (x, 2 - x), (0, 0)),
            )
            for number, (y, x) in enumerate(offsets)
        ]
        return tf.add_n(of_cells), tf.reshape(of_kernel, kernel.shape)

    return tf.nn.conv2d(cells, kernel, 1, "VALID"), gradients


def _laid(kernel, places, side):
    """Stacks a kernel at places, `(side, side, channels, places, filters)`."""
    room = side - _KERNEL
    laid = [
        tf.pad(kernel, ((y, room - y), (x, room - x), (0, 0), (0, 0)))
        for y, x in places
    ]
    return tf.stack(laid, 3)


def _pool(outputs, count):
    """Computes the maximum over groups of `count` outputs."""
    outputs = tf.reshape(outputs, (-1, count, outputs.shape[1] // count))
    return tf.reduce_max(outputs, 1)


def train_frame_cnn(
    cnn: keras.Model,
    frames: Digits,
    optimizer: keras.optimizers.Optimizer,
    batch_size: int,
    num_epochs: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, float]]:
    """Trains the CNN with cross-entropy and yields after every epoch.

    Equal to `fit` with the same frames in the same order, but for rounding.
    A step of a few small frames takes less time than the overhead of `fit`,
    so XLA compiles the loop over steps.

    Args:
        cnn: An `ac_keras.models.frame_cnn`.
        frames: Images and labels, in random order.
        optimizer: Optimizer; its learning rate may be a schedule.
        batch_size: Number of frames of a step; the last step of an epoch may
            have fewer.
        num_epochs: Number of passes over the frames.
        rng: Source of the order from the second epoch on.

    Yields:
        `loss` and `accuracy` of an epoch, means over frames.
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
    """Computes the accuracy of the CNN on some frames."""
    right = 0
    for first in range(0, len(frames.labels), 1000):
        part = slice(first, first + 1000)
        pixels = frames.images[part, ..., None] * np.float32(1 / 255)
        named = np.argmax(cnn(pixels, training=False), axis=1)
        right += int(np.sum(named == frames.labels[part]))
    return right / len(frames.labels)


def _make_loop(cnn, optimizer, batch_size):
    """Returns a function that trains on some frames and sums loss and hits."""
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
        # One size only, as XLA compiles each size. Label -1 is padding.
        size = STEPS_AT_ONCE * batch_size
        images = np.zeros((size, *frames.images.shape[1:]), np.uint8)
        images[: len(order)] = frames.images[order]
        labels = np.full(size, -1, np.int32)
        labels[: len(order)] = frames.labels[order]
        num_steps = -(-len(order) // batch_size)
        return run(images, labels, tf.constant(num_steps)).numpy()

    return run_steps


@dataclasses.dataclass(frozen=True)
class Pretraining:
    """Settings of the CNN's training.

    Attributes:
        backgrounds: Number of frames for each digit image.
        num_empty: Number of frames without a digit.
        num_epochs: Number of passes over these frames.
        schedule: `"constant"` or `"cosine"`, schedule of the learning rate.
    """

    backgrounds: int = 5
    num_empty: int = 30_000
    num_epochs: int = 1
    schedule: str = "constant"


def pretrained_cnn(
    path: str | os.PathLike,
    makers: dict[str, FlashMnist],
    settings: Pretraining,
    stream: Callable[[str], np.random.Generator],
    seed: int,
) -> keras.Model:
    """Loads the CNN of an earlier run from its weights, or trains and saves it.

    Args:
        path: File of its weights.
        makers: Generators of frames of `train` and `test` digits.
        settings: Settings of the training.
        stream: Function that returns the random streams `pretraining` and
            `frame_test`.
        seed: Seed of the initial weights.
    """
    path = pathlib.Path(path)
    keras.utils.set_random_seed(seed)
    cnn = frame_cnn()
    if path.is_file():
        cnn.load_weights(path)
        return cnn
    _train(cnn, makers["train"], settings, stream("pretraining"))
    num_empty = len(makers["test"].labels) // _TEST_SHARE
    frames = makers["test"].frames(1, num_empty, stream("frame_test"))
    accuracy = frame_accuracy(cnn, frames)
    logging.info("The CNN's accuracy on test frames is %.2f %%", 100 * accuracy)
    with atomic_file.atomic_path(path) as partial:
        # Keras requires this ending.
        cnn.save_weights(f"{partial}.weights.h5")
        os.replace(f"{partial}.weights.h5", partial)
    return cnn


def _train(cnn, maker, settings, rng):
    frames = maker.frames(settings.backgrounds, settings.num_empty, rng)
    count = len(frames.labels)
    steps = -(-count // BATCH_SIZE) * settings.num_epochs
    rate = LEARNING_RATE
    if settings.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.Adam(rate)
    logging.info("Pretraining the CNN on %d frames", count)
    for found in train_frame_cnn(
        cnn, frames, optimizer, BATCH_SIZE, settings.num_epochs, rng
    ):
        logging.info("Loss %(loss).4f, accuracy %(accuracy).4f", found)


def make_extractor(
    cnn: keras.Model, log_softmax: bool = False
) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a thread-safe function that extracts the features of clips.

    It maps uint8 `(batch, 25, 28, 28)` to float32 `(batch, 25, dim)`, with a
    copy of the weights of a `frame_cnn`, and optionally applies log softmax.
    """
    weights = [tf.constant(weight.numpy()) for weight in cnn.weights]

    @tf.function(jit_compile=True)
    def extract(frames):
        features = frame_features(weights, frames)
        return tf.nn.log_softmax(features) if log_softmax else features

    def features_of(clips: np.ndarray) -> np.ndarray:
        features = []
        for first in range(0, len(clips), CLIPS_AT_ONCE):
            part = clips[first : first + CLIPS_AT_ONCE]
            if len(part) < CLIPS_AT_ONCE:  # one size only, for XLA
                rest = CLIPS_AT_ONCE - len(part)
                part = np.pad(part, ((0, rest), (0, 0), (0, 0), (0, 0)))
            made = extract(part.reshape(-1, *part.shape[2:])).numpy()
            features.append(made.reshape(CLIPS_AT_ONCE, NUM_FRAMES, -1))
        return np.concatenate(features)[: len(clips)]

    return features_of
