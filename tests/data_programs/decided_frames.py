"""Folders like those of data/flash_mnist/prepare.py, of known decisions.

The CNN's last layer reads its 11 logits from the first 11 of 50 features, so
that a frame's decision is what a test wants it to be.
"""

import pathlib

import keras
import numpy as np

from ac_keras.datasets.flash_mnist import class_names
from ac_keras.models import frame_cnn
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

EMPTY = 10
SURE, VAGUE = 0.99, 0.7


def write_weights(directory):
    """Writes a CNN whose last layer hands on its first 11 features."""
    keras.utils.set_random_seed(0)
    cnn = frame_cnn()
    cnn.layers[-1].set_weights([np.eye(50, 11), np.zeros(11)])
    cnn.save_weights(directory / "frame_cnn.weights.h5")


def make_frames(decisions):
    """Frames `(25, 50)` that are taken for what is told, else for empty.

    Args:
        decisions: Pairs of a digit and its probability; the rest goes to the
            empty frame.
    """
    probabilities = np.full((25, 11), 1e-6)
    probabilities[:, EMPTY] = SURE
    for frame, (digit, probability) in enumerate(decisions):
        probabilities[frame, EMPTY] = 1 - probability
        probabilities[frame, digit] = probability
    frames = np.zeros((25, 50))
    # ReLU units are never negative.
    frames[:, :11] = np.log(probabilities) + 20
    return frames.astype(np.float32)


def make_clips(split, decisions, labels):
    return [
        Clip(f"{split}-{i}", (label,), {"rgb": make_frames(x)})
        for i, (x, label) in enumerate(zip(decisions, labels, strict=True))
    ]


def write_folder(directory, splits, name="flash_mnist", **settings):
    """Writes records, manifest and weights.

    Args:
        directory: The folder.
        splits: Mapping from a split to its clips' decisions and labels.
        name: The dataset's name.
        **settings: The dataset's settings, beside those of ReLU units.
    """
    directory = pathlib.Path(directory)
    description = Description(
        name,
        class_names(),
        {"rgb": Modality(50)},
        settings={"features": "relu", **settings},
    )
    writer = DatasetWriter(directory, description, dict.fromkeys(splits, 1))
    writer.write(lambda split, _: make_clips(split, *splits[split]))
    write_weights(directory)
    return directory
