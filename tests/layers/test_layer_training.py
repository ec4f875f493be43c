"""Clusters learn what averaging cannot."""

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster

NUM_CLASSES = 4
CHANCE = np.log(NUM_CLASSES)


def draw_dataset(num_clips=128, num_frames=12):
    """Clips of distractors, and one frame, marked, that tells the class.

    A distractor shows one class as well, without the mark, so that only who
    weighs the marked frame more than the others can tell.
    """
    rng = np.random.default_rng(0)
    shown = rng.integers(0, NUM_CLASSES, (num_clips, num_frames))
    frames = np.eye(NUM_CLASSES + 1)[shown]
    labels = rng.integers(0, NUM_CLASSES, num_clips)
    where = rng.integers(0, num_frames, num_clips)
    frames[range(num_clips), where] = np.eye(NUM_CLASSES + 1)[labels]
    frames[range(num_clips), where, -1] = 1
    return frames.astype("float32"), labels


def train(make_layer):
    """The losses, epoch by epoch, of a new layer under a dense softmax."""
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(NUM_CLASSES, activation="softmax")
    model = keras.Sequential([keras.Input((None, NUM_CLASSES + 1))])
    model.add(make_layer())
    model.add(dense)
    model.compile(keras.optimizers.Adam(0.2), "sparse_categorical_crossentropy")
    frames, labels = draw_dataset()
    history = model.fit(frames, labels, batch_size=128, epochs=40, verbose=0)
    return history.history["loss"]


@pytest.mark.parametrize(
    "make_layer",
    [
        lambda: AttentionCluster(4, "fc1"),
        lambda: AttentionCluster(4, "fc2", hidden_units=4),
        lambda: ShiftingCluster(4, "fc1"),
        lambda: ShiftingCluster(4, "fc2", hidden_units=4),
        lambda: AttentionUnit("fc1"),
    ],
    ids=["fc1", "fc2", "shift-fc1", "shift-fc2", "unit"],
)
def test_training_takes_the_loss_from_chance_to_near_zero(make_layer):
    losses = train(make_layer)
    assert losses[0] > 0.8 * CHANCE
    assert losses[-1] < 0.05 * CHANCE


def test_averaging_cannot_tell_the_marked_frame():
    losses = train(lambda: ShiftingCluster(4, "average"))
    assert losses[-1] > 0.5 * CHANCE
