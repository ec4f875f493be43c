"""The update against NumPy in float64, plain, compiled and in half precision.

On one device; test_update_step_replicas.py has several.
"""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import support.training.linear_classifier as linear
from ac_keras.training import UpdateStep
from ac_keras.training import balanced_class_weights
from ac_keras.training import update_step
from ac_keras.training.update_step import FIRST_LOSS_SCALE
from ac_keras.training.update_step import STEPS_TO_GROW

RATE, STEPS = 0.05, 6
CLASS_WEIGHTS = balanced_class_weights(np.array([1, 2, 30, 7]))
CLASS_COUNTS = np.array([3, 1, 0, 40, 7])
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.05),
    "momentum": lambda: keras.optimizers.RMSprop(0.05, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.05, 0.9, nesterov=True),
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.05])
    ),
}
ONE, TWO = (types.SimpleNamespace(num_replicas_in_sync=x) for x in (1, 2))


def assert_near(found, expected, tolerance=1e-5):
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, tolerance, tolerance)


def make_step(model, optimizer=None, **options):
    optimizer = optimizer or keras.optimizers.RMSprop(RATE)
    return UpdateStep(model, optimizer, **options)


def trained(
    batches, multi_label=False, dtype="float32", optimizer=None, **options
):
    """The weights after a step by each batch, and the losses."""
    model = linear.make_model(multi_label, dtype)
    step = make_step(model, optimizer, multi_label=multi_label, **options)
    losses, _ = linear.run_steps(step, *batches)
    return linear.weights_of(model), losses


@pytest.mark.parametrize(
    ("multi_label", "options"),
    [
        *(
            (multi_label, options)
            for multi_label in (False, True)
            for options in (
                {},
                {"clip_norm": 0.5},
                {"clip_norm": 0.5, "jit_compile": True},
                *(
                    {"gradient_accumulation_steps": x, "clip_norm": 0.5}
                    for x in (2, 4, 8)
                ),
            )
        ),
        (False, {"class_weights": CLASS_WEIGHTS}),
    ],
)
def test_steps_of_rmsprop_are_those_of_numpy(multi_label, options):
    batches = linear.draw_batches(STEPS, multi_label, scale=3)
    weights, losses = trained(batches, multi_label, **options)
    start = linear.weights_of(linear.make_model(multi_label))
    clip_norm = options.get("clip_norm", np.inf)
    class_weights = options.get("class_weights")
    if class_weights is not None:
        class_weights = class_weights.astype(np.float64)
    expected, path = linear.rmsprop(
        start, batches, RATE, clip_norm, class_weights
    )
    np.testing.assert_allclose(losses, expected, 1e-5)
    assert_near(weights, path[-1])


@pytest.mark.parametrize("count", [1, 4])
def test_probabilities_are_those_before_the_step_of_all_parts(count):
    x, labels = linear.draw_batches(1)
    model = linear.make_model()
    kernel, bias = linear.weights_of(model)
    optimizer = keras.optimizers.SGD(1.0)
    step = UpdateStep(model, optimizer, gradient_accumulation_steps=count)
    _, probabilities = linear.run_steps(step, x, labels)
    expected = linear.softmax(x[0] @ kernel + bias)
    np.testing.assert_allclose(probabilities, expected[None], 1e-5)


@pytest.mark.parametrize("scale", [20.0, 1.0])
def test_the_norm_of_all_gradients_is_clipped_at_5(scale):
    batches = linear.draw_batches(1, scale=scale)
    start = linear.weights_of(linear.make_model())
    _, whole = linear.loss_and_gradients(start, batches[0][0], batches[1][0])
    assert (linear.norm_of(whole) > 5) == (scale > 1)
    plain_descent = keras.optimizers.SGD(1.0)
    after, _ = trained(batches, optimizer=plain_descent, clip_norm=5.0)
    found = [x - y for x, y in zip(start, after, strict=True)]
    assert_near(found, linear.clipped(whole, 5.0))
    if scale > 1:
        assert linear.norm_of(found) == pytest.approx(5, rel=1e-5)


def test_a_loss_past_where_probabilities_round_to_0_has_its_gradient():
    x, labels = np.full((1, 1, linear.DIM), 100, "float32"), [[0]]
    labels = np.array(labels, "int32")
    model = linear.make_model()
    kernel = np.zeros((linear.DIM, linear.NUM_CLASSES))
    kernel[:, 1] = 1.0
    model.set_weights([kernel, np.zeros(linear.NUM_CLASSES)])
    step = UpdateStep(model, keras.optimizers.SGD(1.0))
    losses, _ = linear.run_steps(step, x, labels, 1)
    assert losses[0] == pytest.approx(500)
    change = linear.weights_of(model)[1]
    np.testing.assert_allclose(change, [1, -1, 0, 0], atol=1e-6)


def test_the_rate_follows_the_schedule_by_the_optimizers_steps():
    rates = [0.5, 0.05]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], rates)
    x, labels = linear.draw_batches(2)
    found, _ = trained((x, labels), optimizer=keras.optimizers.SGD(schedule))
    weights = linear.weights_of(linear.make_model())
    for index, rate in enumerate(rates):
        _, gradients = linear.loss_and_gradients(
            weights, x[index], labels[index]
        )
        weights = [
            w - rate * g for w, g in zip(weights, gradients, strict=True)
        ]
    assert_near(found, weights)


@pytest.mark.parametrize("scale_loss", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_that_are_not_finite_change_nothing(
    scale_loss, compiled, monkeypatch
):
    if compiled:
        monkeypatch.setattr(update_step, "LARGE", 1)
    x, labels = linear.draw_batches(2)
    x[1, 0, 0] = np.inf
    model, ema_model = linear.make_model(), linear.make_model()
    optimizer = keras.optimizers.RMSprop(RATE, momentum=0.9)
    step = UpdateStep(
        model,
        optimizer,
        ema_model=ema_model,
        ema_momentum=0.5,
        scale_loss=scale_loss,
        clip_norm=5.0,
        classifier_lr_multiplier=3.0,
    )

    def everything():
        kept = [*model.variables, *ema_model.variables, *optimizer.variables]
        return [np.array(x) for x in kept]

    linear.run_steps(step, x[:1], labels[:1])
    before = everything()
    losses, _ = linear.run_steps(step, x[1:], labels[1:])
    assert not np.isfinite(losses[0])
    for was, now in zip(before, everything(), strict=True):
        np.testing.assert_array_equal(now, was)
    assert int(step.step) == 2 and int(optimizer.iterations) == 1


def test_only_the_classifier_has_the_classifiers_rate():
    inputs = keras.Input((linear.DIM,), name="x")
    hidden = keras.layers.Dense(3, name="hidden")(inputs)
    classifier = keras.layers.Dense(linear.NUM_CLASSES, name="logits")
    probabilities = keras.layers.Softmax()(classifier(hidden))
    model = keras.Model({"x": inputs}, probabilities)
    model.classifier = classifier
    start, batch, changes = linear.weights_of(model), linear.draw_batches(1), []
    for factor in (1.0, 30.0):
        model.set_weights(start)
        step = UpdateStep(
            model, keras.optimizers.SGD(0.01), classifier_lr_multiplier=factor
        )
        linear.run_steps(step, *batch)
        after = linear.weights_of(model)
        changes.append([y - x for x, y in zip(start, after, strict=True)])
    plain, scaled = changes
    assert all(np.abs(x).max() > 1e-5 for x in plain)
    for x, y, ratio in zip(plain, scaled, (1, 1, 30, 30), strict=True):
        np.testing.assert_allclose(y, ratio * x, 1e-3, 1e-6)


def test_class_weights_are_inverse_to_the_counts_with_a_mean_of_1():
    weights = balanced_class_weights(CLASS_COUNTS).astype(np.float64)
    present = CLASS_COUNTS > 0
    products = weights[present] * CLASS_COUNTS[present]
    np.testing.assert_allclose(products, products[0], 1e-6)
    clips = np.repeat(np.arange(len(CLASS_COUNTS)), CLASS_COUNTS)
    assert weights[clips].mean() == pytest.approx(1, rel=1e-6)
    assert balanced_class_weights(CLASS_COUNTS).dtype == np.float32
    assert weights[2] == 0 and np.isfinite(weights).all()
    np.testing.assert_allclose(balanced_class_weights(np.full(4, 9)), 1.0)
    with pytest.raises(ValueError, match="at least one clip. Received: class"):
        balanced_class_weights(np.zeros(3, int))


@pytest.mark.parametrize("clip_norm", [0.0, 0.5])
def test_a_scaled_loss_makes_the_update_of_the_plain_one(clip_norm):
    batches = linear.draw_batches(STEPS, scale=3)
    plain, losses = trained(batches, clip_norm=clip_norm)
    scaled, seen = trained(batches, clip_norm=clip_norm, scale_loss=True)
    np.testing.assert_allclose(seen, losses, 1e-6)
    assert_near(scaled, plain, 1e-6)


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


def test_the_scale_doubles_after_enough_finite_steps_and_not_before():
    step = make_step(linear.make_model(), scale_loss=True)
    step.finite_steps.assign(STEPS_TO_GROW - 2)
    scales = []
    x, labels = linear.draw_batches(1)
    for _ in range(3):
        linear.run_steps(step, x, labels)
        scales.append(float(step.loss_scale) / FIRST_LOSS_SCALE)
    assert scales == [1, 2, 2]
    assert int(step.finite_steps) < 2
    step.finite_steps.assign(STEPS_TO_GROW - 1)
    linear.run_steps(step, x * np.inf, labels)  # It overflows.
    assert int(step.finite_steps) == 0
    assert float(step.loss_scale) == FIRST_LOSS_SCALE


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)]
)
def test_half_precision_stays_close_to_float32(dtype, tolerance):
    batches = linear.draw_batches(20)
    exact, losses = trained(batches)
    scaled = dtype == "mixed_float16"
    weights, half_losses = trained(batches, dtype=dtype, scale_loss=scaled)
    np.testing.assert_allclose(half_losses, losses, tolerance)
    exact, weights = (
        np.concatenate([w.ravel() for w in x]) for x in (exact, weights)
    )
    assert not np.array_equal(weights, exact)
    assert np.abs(weights - exact).max() < tolerance * np.abs(exact).max()


def test_weights_and_slots_stay_in_float32():
    model = linear.make_model(dtype="mixed_bfloat16")
    step = make_step(model)
    linear.run_steps(step, *linear.draw_batches(1))
    slots = step.optimizer.variables[2:]  # behind the count and the rate
    assert len(slots) == 2
    for variable in [*model.variables, *slots]:
        assert variable.dtype == "float32"


def run(optimizer, batches):
    """All that a step changes, after each of some steps."""
    model, ema_model = linear.make_model(), linear.make_model()
    step = UpdateStep(
        model,
        optimizer,
        ema_model=ema_model,
        ema_momentum=0.7,
        clip_norm=0.5,
        classifier_lr_multiplier=3.0,
    )
    losses, _ = linear.run_steps(step, *batches)
    kept = [*model.variables, *ema_model.variables, *optimizer.variables]
    return losses, [np.array(x) for x in kept]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_compiled_steps_are_plain_steps(name, monkeypatch):
    batches = linear.draw_batches(5, scale=3)
    losses, plain = run(OPTIMIZERS[name](), batches)
    monkeypatch.setattr(update_step, "LARGE", 1)
    compiled_losses, compiled = run(OPTIMIZERS[name](), batches)
    np.testing.assert_allclose(compiled_losses, losses, 1e-5)
    for x, y in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(x, y, 1e-5, 1e-6)
    start = linear.weights_of(linear.make_model())
    assert np.abs(plain[0] - start[0]).max() > 1e-2


@pytest.mark.parametrize(
    ("strategy", "size", "expected"),
    [(ONE, 2**20, True), (ONE, 2**20 - 1, False), (TWO, 2**20, False)],
)
def test_large_weights_on_one_replica_are_compiled(strategy, size, expected):
    step = UpdateStep(linear.make_model(), keras.optimizers.SGD(0.1))
    weight = tf.zeros((size,))
    assert step._is_compiled(strategy, weight) == expected
