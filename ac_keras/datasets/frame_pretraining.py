"""The frame CNN of a Flash-MNIST, trained once and kept (supplement 1.2)."""

import dataclasses
import os
import pathlib
from collections.abc import Callable

import keras
import numpy as np
from absl import logging

from ac_keras.datasets.flash_mnist import FlashMnist
from ac_keras.datasets.frame_training import frame_accuracy
from ac_keras.datasets.frame_training import train_frame_cnn
from ac_keras.models import frame_cnn
from ac_keras.training import make_schedule
from ac_keras.utils import atomic_file

BATCH_SIZE = 16  # the paper gives none; see data/flash_mnist/README.md
LEARNING_RATE = 1e-3
_TEST_SHARE = 10  # test digits for each empty frame among test frames


@dataclasses.dataclass(frozen=True)
class Pretraining:
    """What the CNN is trained on and how.

    Attributes:
        backgrounds: Frames for each digit.
        num_empty: Frames without a digit.
        num_epochs: Passes over these frames.
        schedule: `"constant"` or `"cosine"`, how the learning rate goes.
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
    """Loads the CNN that an earlier run kept, or trains it and keeps it.

    Args:
        path: File of its weights.
        makers: What makes frames of `train` and `test` digits.
        settings: What it is trained on and how.
        stream: Gives the random streams `pretraining` and `frame_test`.
        seed: Decides the weights that training begins with.

    Returns:
        An `ac_keras.models.frame_cnn`.
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
    logging.info("The CNN names %.2f %% of test frames", 100 * accuracy)
    with atomic_file.atomic_path(path) as partial:
        # Keras wants the name to end so.
        cnn.save_weights(f"{partial}.weights.h5")
        os.replace(f"{partial}.weights.h5", partial)
    return cnn


def _train(cnn, maker, settings, rng):
    frames = maker.frames(settings.backgrounds, settings.num_empty, rng)
    count = len(frames.labels)
    steps = -(-count // BATCH_SIZE) * settings.num_epochs
    optimizer = keras.optimizers.Adam(
        make_schedule(settings.schedule, LEARNING_RATE, total_steps=steps)
    )
    logging.info("Pretraining the CNN on %d frames", count)
    for found in train_frame_cnn(
        cnn, frames, optimizer, BATCH_SIZE, settings.num_epochs, rng
    ):
        logging.info("Loss %(loss).4f, accuracy %(accuracy).4f", found)
