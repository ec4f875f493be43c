"""A small Flash-MNIST of known digits, and a model of known attention.

The feature of a frame marks the digits on it. Each unit of the model attends
evenly to all frames with its digit, or to all frames of a clip without it. The
predicted class is the set of these digits that are in the clip.
"""

import numpy as np

from ac_keras import AttentionCluster
from ac_keras import cluster_classifier
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

NUM_FRAMES = 5
IMAGE = (4, 20)
# The digits of each clip's frames.
FLASHED = (
    {0: [3], 2: [7], 4: [3]},
    {1: [7]},
    {},
    {0: [3, 9], 3: [0]},
    {1: [0], 2: [7]},
    {4: [3], 3: [7], 2: [0]},
)
IDS = tuple(f"test-{index:07d}" for index in range(len(FLASHED)))


def digits_of_frames():
    """Bool `(clips, frames, 10)`."""
    digits = np.zeros((len(FLASHED), NUM_FRAMES, 10), bool)
    for clip, frames in enumerate(FLASHED):
        for frame, held in frames.items():
            digits[clip, frame, held] = True
    return digits


def classes():
    return (digits_of_frames().any(axis=1) << np.arange(10)).sum(axis=1)


def write_dataset(directory):
    """Writes the test clips, their frames' digits and images of them."""
    description = Description(
        "flash_mnist", class_names(), {"rgb": Modality(10)}
    )
    clips = [
        Clip(name, (int(label),), {"rgb": digits.astype("float32")})
        for name, label, digits in zip(
            IDS, classes(), digits_of_frames(), strict=True
        )
    ]
    writer = DatasetWriter(directory, description, {"test": 1})
    manifest = writer.write(lambda split, shard: clips)
    np.savez(directory / "frame_digits.npz", ids=IDS, digits=digits_of_frames())
    images = np.zeros((len(IDS), NUM_FRAMES, *IMAGE), np.uint8)
    images[:, -1, 0, 0] = 255  # so that no frame is taken for padding
    np.savez(directory / "previews.npz", ids=IDS, rgb=images)
    return manifest


def make_model(unit_digits):
    """Builds a model with a unit for each digit; None attends evenly."""
    num_units = len(unit_digits)
    model = cluster_classifier(
        {"rgb": 10}, {"rgb": AttentionCluster(num_units, name="rgb")}, 1024
    )
    member = np.arange(1024) >> np.arange(10)[:, None] & 1  # (digit, class)
    kernel = np.zeros((10, num_units))
    logits = np.zeros((num_units, 10, 1024))
    for unit, digit in enumerate(unit_digits):
        if digit is not None:
            kernel[digit, unit] = 50
            logits[unit, digit] = 100 * member[digit]
    cluster = model.get_layer("clusters").clusters["rgb"]
    cluster.set_weights([kernel])
    # Only digits of the clip that have a unit are above 0.
    bias = -60.0 * member.sum(axis=0)
    model.get_layer("logits").set_weights([logits.reshape(-1, 1024), bias])
    return model


def expected_weights(unit_digits):
    """Returns the weights of these units, `(clips, units, frames)`."""
    digits = digits_of_frames()
    none = np.zeros(digits.shape[:2], bool)
    held = np.stack(
        [none if x is None else digits[:, :, x] for x in unit_digits], axis=1
    )
    held[~held.any(axis=2)] = True
    return held / held.sum(axis=2, keepdims=True)
