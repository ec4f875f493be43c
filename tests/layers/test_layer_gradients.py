"""Gradients of the frames, and training.

The conformance table checks the gradients of all weights.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask

NUM_UNITS = 3
STEP = 1e-6
COTANGENT = np.random.default_rng(3).normal(size=(4, NUM_UNITS * 5))
LAYERS = {
    "average-shift": lambda: ShiftingCluster(NUM_UNITS, "average"),
    "fc1": lambda: AttentionCluster(NUM_UNITS, "fc1"),
    "fc2": lambda: AttentionCluster(NUM_UNITS, "fc2", hidden_units=4),
    "fc1-shift": lambda: ShiftingCluster(NUM_UNITS, "fc1"),
    "fc2-shift": lambda: ShiftingCluster(NUM_UNITS, "fc2", hidden_units=4),
}
each_layer = pytest.mark.parametrize("case", LAYERS)


def make_layer(case):
    return build_randomly(LAYERS[case](), seed=0)


def gradients_of(layer, frames, mask=None):
    """Gradients of a weighted sum of the outputs, by weight, and of frames."""
    frames = tf.constant(frames, "float32")
    variables = {w.name: w.value for w in layer.trainable_weights}
    with tf.GradientTape() as tape:
        tape.watch(frames)
        loss = tf.reduce_sum(layer(frames, mask=mask) * COTANGENT)
    gradients = tape.gradient(loss, {**variables, "frames": frames})
    return {name: gradient.numpy() for name, gradient in gradients.items()}


@each_layer
@pytest.mark.parametrize("seed", range(6))
def test_frame_gradients_are_the_references_slopes(case, seed):
    frames, mask = draw_frames(1).astype("float64"), draw_mask(2)
    layer = make_layer(case)
    gradient = gradients_of(layer, frames, mask)["frames"]
    direction = np.random.default_rng(seed).normal(size=frames.shape)

    def loss(step):
        moved = frames + step * direction
        return np.sum(reference.pool_like(layer, moved, mask) * COTANGENT)

    slope = (loss(STEP) - loss(-STEP)) / (2 * STEP)
    found = np.sum(gradient * direction)
    assert found == pytest.approx(slope, rel=1e-4, abs=1e-5)
    assert np.abs(gradient).max() > 1e-3


@each_layer
@pytest.mark.parametrize("filler", [0.0, np.nan, np.inf])
def test_masked_frames_have_no_part_in_any_gradient(case, filler):
    frames, mask = draw_frames(5), draw_mask(5)
    mask[3] = False
    layer = make_layer(case)
    expected = gradients_of(layer, frames, mask)
    frames[~mask] = filler
    gradients = gradients_of(layer, frames, mask)
    assert not gradients["frames"][~mask].any()
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, expected[name])
        assert np.abs(gradient).max() > 1e-3


@each_layer
@pytest.mark.parametrize("masked", [False, True])
def test_a_feature_set_of_zeros_has_finite_gradients_next_to_others(
    case, masked
):
    frames = draw_frames(7)
    frames[1] = 0
    layer = make_layer(case)
    if hasattr(layer, "beta"):
        layer.beta.assign(np.zeros(NUM_UNITS))  # The norm to divide by is 0.
    gradients = gradients_of(layer, frames, draw_mask(7) if masked else None)
    for name, gradient in gradients.items():
        assert np.isfinite(gradient).all()
        # Without a beta, the norm takes every scale out again.
        assert name == "alpha" or np.abs(gradient).max() > 1e-3


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
