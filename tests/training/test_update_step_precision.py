"""Updates in half precision, and the loss scale of float16."""

import keras
import numpy as np
import pytest

import support.training.linear_classifier as linear
from ac_keras.training import UpdateStep
from ac_keras.training.update_step import FIRST_LOSS_SCALE
from ac_keras.training.update_step import STEPS_TO_GROW

RATE = 0.05


def make_step(model, **options):
    return UpdateStep(model, keras.optimizers.RMSprop(RATE), **options)


def trained(batches, dtype="float32", **options):
    model = linear.make_model(dtype=dtype)
    losses, _ = linear.run_steps(make_step(model, **options), *batches)
    return np.concatenate([w.ravel() for w in linear.weights_of(model)]), losses


@pytest.mark.parametrize("clip_norm", [0.0, 0.5])
def test_a_scaled_loss_makes_the_update_of_the_plain_one(clip_norm):
    batches = linear.draw_batches(6, scale=3)
    plain, losses = trained(batches, clip_norm=clip_norm)
    scaled, seen = trained(batches, clip_norm=clip_norm, scale_loss=True)
    np.testing.assert_allclose(seen, losses, 1e-6)
    np.testing.assert_allclose(scaled, plain, 1e-6, 1e-6)


def test_the_scale_halves_until_float16_holds_the_gradients():
    x, labels = linear.draw_batches(1, scale=30)
    repeated = np.repeat(x, 8, 0), np.repeat(labels, 8, 0)
    model = linear.make_model(dtype="mixed_float16")
    step = make_step(model, scale_loss=True)
    before = linear.weights_of(model)
    scales, moved = [], []
    for batch in zip(*repeated, strict=True):
        linear.run_steps(step, *(x[None] for x in batch))
        scales.append(float(step.loss_scale))
        moved.append(not np.array_equal(linear.weights_of(model)[0], before[0]))
    halvings = moved.index(True)
    assert halvings > 0
    expected = [FIRST_LOSS_SCALE / 2**n for n in range(1, halvings + 1)]
    assert scales[:halvings] == expected
    assert scales[halvings:] == [expected[-1]] * (8 - halvings)
    assert int(step.optimizer.iterations) == 8 - halvings


def test_the_scale_doubles_after_so_many_sound_steps():
    step = make_step(linear.make_model(), scale_loss=True)
    step.sound_steps.assign(STEPS_TO_GROW - 2)
    scales = []
    for _ in range(3):
        linear.run_steps(step, *linear.draw_batches(1))
        scales.append(float(step.loss_scale) / FIRST_LOSS_SCALE)
    assert scales == [1, 2, 2]
    assert int(step.sound_steps) < 2


def test_an_overflow_starts_the_count_of_sound_steps_anew():
    step = make_step(linear.make_model(), scale_loss=True)
    step.sound_steps.assign(STEPS_TO_GROW - 1)
    x, labels = linear.draw_batches(1)
    linear.run_steps(step, x * np.inf, labels)
    assert int(step.sound_steps) == 0
    assert float(step.loss_scale) == FIRST_LOSS_SCALE / 2


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)]
)
def test_half_precision_stays_close_to_float32(dtype, tolerance):
    batches = linear.draw_batches(20)
    exact, losses = trained(batches)
    weights, half_losses = trained(
        batches, dtype, scale_loss=dtype == "mixed_float16"
    )
    assert weights.dtype == exact.dtype and not np.array_equal(weights, exact)
    np.testing.assert_allclose(half_losses, losses, tolerance)
    assert np.abs(weights - exact).max() < tolerance * np.abs(exact).max()


def test_weights_and_slots_stay_in_float32():
    model = linear.make_model(dtype="mixed_bfloat16")
    step = make_step(model)
    linear.run_steps(step, *linear.draw_batches(1))
    slots = step.optimizer.variables[2:]  # behind the count and the rate
    assert len(slots) == 2
    for variable in [*model.variables, *slots]:
        assert variable.dtype == "float32"
