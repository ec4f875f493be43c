"""Gradients of the frames, and gradients that masked frames do not change.

The conformance table checks the gradients of all weights.
"""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask

NUM_UNITS = 3
STEP = 1e-6
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


def draw_cotangent(seed=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, NUM_UNITS * 5))


def gradients_of(layer, frames, mask=None):
    """Gradients of a weighted sum of the outputs, by weight, and of frames."""
    frames = tf.constant(frames, "float32")
    variables = {w.name: w.value for w in layer.trainable_weights}
    with tf.GradientTape() as tape:
        tape.watch(frames)
        loss = tf.reduce_sum(layer(frames, mask=mask) * draw_cotangent())
    gradients = tape.gradient(loss, {**variables, "frames": frames})
    return {name: gradient.numpy() for name, gradient in gradients.items()}


def reference_loss(layer, frames, mask):
    return np.sum(reference.pool_like(layer, frames, mask) * draw_cotangent())


def difference_quotient(array, entry, loss):
    """Central difference of the loss in one entry of the array."""
    losses = []
    for step in (STEP, -STEP):
        before = array[entry]
        array[entry] += step
        losses.append(loss())
        array[entry] = before
    return (losses[0] - losses[1]) / (2 * STEP)


def some_entries(shape, count=6):
    rng = np.random.default_rng(4)
    indices = rng.choice(np.prod(shape), min(count, np.prod(shape)), False)
    return [np.unravel_index(index, shape) for index in indices]


@each_layer
def test_frame_gradients_are_the_references_slopes(case):
    frames, mask = draw_frames(1).astype("float64"), draw_mask(2)
    layer = make_layer(case)
    gradient = gradients_of(layer, frames, mask)["frames"]
    for entry in some_entries(frames.shape):
        slope = difference_quotient(
            frames, entry, lambda: reference_loss(layer, frames, mask)
        )
        assert gradient[entry] == pytest.approx(slope, rel=1e-4, abs=1e-5)
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
