"""The update against NumPy in float64, on one device."""

import keras
import numpy as np
import pytest

import support.training.linear_classifier as linear
from ac_keras.training import UpdateStep
from ac_keras.training import balanced_class_weights

RATE, STEPS = 0.05, 6
CLASS_WEIGHTS = balanced_class_weights(np.array([1, 2, 30, 7]))
CLASS_COUNTS = np.array([3, 1, 0, 40, 7])


def assert_near(found, expected, tolerance=1e-5):
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, tolerance, tolerance)


def trained(batches, multi_label=False, optimizer=None, **options):
    """A model after a step by each batch, and the losses."""
    model = linear.make_model(multi_label)
    optimizer = optimizer or keras.optimizers.RMSprop(RATE)
    step = UpdateStep(model, optimizer, multi_label=multi_label, **options)
    losses, _ = linear.run_steps(step, *batches)
    return model, losses


def gradients_of(batches, **options):
    """The gradients of one step, from what plain descent changes."""
    before = linear.weights_of(linear.make_model())
    model, _ = trained(batches, optimizer=keras.optimizers.SGD(1.0), **options)
    after = linear.weights_of(model)
    return [x - y for x, y in zip(before, after, strict=True)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clip_norm": 0.5},
        *(
            {"gradient_accumulation_steps": x, "clip_norm": 0.5}
            for x in (2, 4, 8)
        ),
    ],
)
@pytest.mark.parametrize("multi_label", [False, True])
def test_steps_of_rmsprop_are_those_of_numpy(multi_label, options):
    batches = linear.draw_batches(STEPS, multi_label, scale=3)
    model, losses = trained(batches, multi_label, **options)
    start = linear.weights_of(linear.make_model(multi_label))
    clip_norm = options.get("clip_norm", np.inf)
    expected, path = linear.rmsprop(start, batches, RATE, clip_norm)
    np.testing.assert_allclose(losses, expected, 1e-5)
    assert_near(linear.weights_of(model), path[-1])


def test_a_clip_weighs_what_its_class_does():
    batches = linear.draw_batches(STEPS)
    model, losses = trained(batches, class_weights=CLASS_WEIGHTS)
    start = linear.weights_of(linear.make_model())
    expected, path = linear.rmsprop(
        start, batches, RATE, class_weights=CLASS_WEIGHTS.astype(np.float64)
    )
    np.testing.assert_allclose(losses, expected, 1e-5)
    assert_near(linear.weights_of(model), path[-1])


def test_probabilities_are_those_before_the_step():
    x, labels = linear.draw_batches(1)
    model = linear.make_model()
    kernel, bias = linear.weights_of(model)
    step = UpdateStep(model, keras.optimizers.SGD(1.0))
    _, probabilities = linear.run_steps(step, x, labels)
    expected = linear.softmax(x[0] @ kernel + bias)
    np.testing.assert_allclose(probabilities[0], expected, 1e-5)


@pytest.mark.parametrize("scale", [20.0, 1.0])
def test_the_norm_of_all_gradients_is_clipped_at_5(scale):
    batches = linear.draw_batches(1, scale=scale)
    start = linear.weights_of(linear.make_model())
    _, whole = linear.loss_and_gradients(start, batches[0][0], batches[1][0])
    assert (linear.norm_of(whole) > 5) == (scale > 1)
    found = gradients_of(batches, clip_norm=5.0)
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


def test_parts_return_all_clips_probabilities_in_order():
    x, labels = linear.draw_batches(1)
    options = ({}, {"gradient_accumulation_steps": 4})
    whole, parts = (
        linear.run_steps(
            UpdateStep(linear.make_model(), keras.optimizers.SGD(0.1), **more),
            x,
            labels,
        )[1]
        for more in options
    )
    assert whole.shape == (1, linear.BATCH_SIZE, linear.NUM_CLASSES)
    np.testing.assert_allclose(parts, whole, 1e-5)


def test_the_moving_average_follows_the_weights():
    batches = linear.draw_batches(STEPS)
    ema_model = linear.make_model()
    trained(batches, ema_model=ema_model, ema_momentum=0.7)
    expected = linear.weights_of(linear.make_model())
    _, path = linear.rmsprop(expected, batches, RATE)
    for weights in path:
        expected = [
            0.7 * x + 0.3 * y for x, y in zip(expected, weights, strict=True)
        ]
    assert_near(linear.weights_of(ema_model), expected)


def test_xla_makes_the_same_update():
    batches = linear.draw_batches(STEPS, scale=3)
    plain, _ = trained(batches, clip_norm=0.5)
    compiled, _ = trained(batches, clip_norm=0.5, jit_compile=True)
    assert_near(linear.weights_of(compiled), linear.weights_of(plain))


def test_the_rate_follows_the_schedule_by_the_optimizers_steps():
    rates = [0.5, 0.05]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], rates)
    x, labels = linear.draw_batches(2)
    model, _ = trained((x, labels), optimizer=keras.optimizers.SGD(schedule))
    weights = linear.weights_of(linear.make_model())
    for index, rate in enumerate(rates):
        _, gradients = linear.loss_and_gradients(
            weights, x[index], labels[index]
        )
        weights = [
            w - rate * g for w, g in zip(weights, gradients, strict=True)
        ]
    assert_near(linear.weights_of(model), weights)


@pytest.mark.parametrize("scale_loss", [False, True])
def test_gradients_that_are_not_finite_change_nothing(scale_loss):
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
