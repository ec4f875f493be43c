"""Updates that XLA compiles are those that it does not."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import support.training.linear_classifier as linear
from ac_keras.training import UpdateStep
from ac_keras.training import update_step

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


@pytest.fixture(params=[1, 2**20], ids=["compiled", "plain"])
def large(request, monkeypatch):
    monkeypatch.setattr(update_step, "LARGE", request.param)
    return request.param


def run(optimizer, batches, **options):
    """All that a step changes, after each of some steps."""
    model, averages = linear.make_model(), linear.make_model()
    step = UpdateStep(
        model,
        optimizer,
        averages=averages,
        average_momentum=0.7,
        clip_norm=0.5,
        classifier_rate=3.0,
        **options,
    )
    losses, _ = linear.run_steps(step, *batches)
    kept = [*model.variables, *averages.variables, *optimizer.variables]
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


def test_gradients_that_are_not_finite_change_nothing(large):
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
