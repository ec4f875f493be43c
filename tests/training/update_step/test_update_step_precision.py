"""Updates that XLA compiles, and updates in half precision."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import support.training.linear_classifier as linear
from ac_keras.training import UpdateStep
from ac_keras.training import update_step
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


def test_the_scale_doubles_after_enough_finite_steps():
    step = make_step(linear.make_model(), scale_loss=True)
    step.finite_steps.assign(STEPS_TO_GROW - 2)
    scales = []
    for _ in range(3):
        linear.run_steps(step, *linear.draw_batches(1))
        scales.append(float(step.loss_scale) / FIRST_LOSS_SCALE)
    assert scales == [1, 2, 2]
    assert int(step.finite_steps) < 2


def test_an_overflow_resets_the_count_of_finite_steps():
    step = make_step(linear.make_model(), scale_loss=True)
    step.finite_steps.assign(STEPS_TO_GROW - 1)
    x, labels = linear.draw_batches(1)
    linear.run_steps(step, x * np.inf, labels)
    assert int(step.finite_steps) == 0
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


STEPS = 5
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.05),
    "momentum": lambda: keras.optimizers.RMSprop(0.05, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.05, 0.9, nesterov=True),
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.05])
    ),
}
ONE, TWO = (types.SimpleNamespace(num_replicas_in_sync=x) for x in (1, 2))


def run(optimizer, batches, **options):
    """All that a step changes, after each of some steps."""
    model, ema_model = linear.make_model(), linear.make_model()
    step = UpdateStep(
        model,
        optimizer,
        ema_model=ema_model,
        ema_momentum=0.7,
        clip_norm=0.5,
        classifier_lr_multiplier=3.0,
        **options,
    )
    losses, _ = linear.run_steps(step, *batches)
    kept = [*model.variables, *ema_model.variables, *optimizer.variables]
    return losses, [np.array(x) for x in kept]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_compiled_steps_are_plain_steps(name, monkeypatch):
    batches = linear.draw_batches(STEPS, scale=3)
    losses, plain = run(OPTIMIZERS[name](), batches)
    monkeypatch.setattr(update_step, "LARGE", 1)
    compiled_losses, compiled = run(OPTIMIZERS[name](), batches)
    np.testing.assert_allclose(compiled_losses, losses, 1e-5)
    for x, y in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(x, y, 1e-5, 1e-6)
    start = linear.weights_of(linear.make_model())
    assert np.abs(plain[0] - start[0]).max() > 1e-2


def test_compiled_updates_skip_gradients_that_are_not_finite(monkeypatch):
    monkeypatch.setattr(update_step, "LARGE", 1)
    x, labels = linear.draw_batches(2)
    _, before = run(OPTIMIZERS["momentum"](), (x[:1], labels[:1]))
    x[1, 0, 0] = np.inf
    losses, after = run(OPTIMIZERS["momentum"](), (x, labels))
    assert not np.isfinite(losses[1])
    for was, now in zip(before, after, strict=True):
        np.testing.assert_array_equal(now, was)


@pytest.mark.parametrize(
    ("strategy", "size", "expected"),
    [(ONE, 2**20, True), (ONE, 2**20 - 1, False), (TWO, 2**20, False)],
)
def test_large_weights_on_one_replica_are_compiled(strategy, size, expected):
    step = UpdateStep(linear.make_model(), keras.optimizers.SGD(0.1))
    weight = tf.zeros((size,))
    assert step._is_compiled(strategy, weight) == expected
