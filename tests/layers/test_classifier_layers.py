"""ByteDropout as drawn numbers, and WideDense against keras.layers.Dense."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from ac_keras.layers import ByteDropout
from ac_keras.layers import WideDense

SHAPE = (40, 1003)  # not a whole number of words a row
BATCH, DIM, UNITS = 5, 37, 3


def drop(rate, shape=SHAPE, seed=1, value=1.0):
    inputs = np.full(shape, value, "float32")
    return np.asarray(ByteDropout(rate, seed=seed)(inputs, training=True))


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.3, 0.8, 1 / 256, 0.999])
def test_the_rate_is_dropped_and_the_rest_is_scaled_by_it(rate):
    found = drop(rate, value=3.0)
    deviation = np.sqrt(rate * (1 - rate) / np.prod(SHAPE))
    assert abs(np.mean(found == 0) - rate) < 4 * deviation
    (scaled,) = np.unique(found[found != 0])
    assert scaled == pytest.approx(3 / (1 - rate), rel=1e-6)


def test_rows_of_a_rate_between_two_bytes_take_either():
    dropped = (drop(0.502, (400, 40_000)) == 0).mean(axis=1)
    either = np.array([128, 129]) / 256
    off = np.abs(dropped[:, None] - either)
    assert np.mean(off.argmin(axis=1)) == pytest.approx(0.512, abs=0.1)
    assert off.min(axis=1).max() < 0.012


def test_numbers_are_dropped_independently():
    mask = (drop(0.5, (64, 4096)) == 0) - 0.5
    for axis in (0, 1):
        for lag in (1, 2, 3, 4, 8):
            shifted = np.roll(mask, lag, axis)
            assert abs(np.mean(mask * shifted)) < 4 * 0.25 / 512


def test_calls_draw_different_masks_and_a_seed_the_same():
    layers = [ByteDropout(0.5, seed=7) for _ in range(2)]
    ones = np.ones(SHAPE, "float32")
    first, second = (
        [np.asarray(layer(ones, training=True)) for layer in layers]
        for _ in range(2)
    )
    np.testing.assert_array_equal(*first)
    np.testing.assert_array_equal(*second)
    assert 0.4 < np.mean(first[0] != second[0]) < 0.6


@pytest.mark.parametrize(("rate", "value"), [(0, 1.0), (0.0, 1.0), (1, 0.0)])
def test_nothing_or_everything_is_dropped(rate, value):
    np.testing.assert_array_equal(drop(rate), np.full(SHAPE, value))


def test_nothing_is_dropped_outside_training():
    inputs = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    np.testing.assert_array_equal(ByteDropout(0.5)(inputs), inputs)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_dtype_stays(dtype):
    layer = ByteDropout(0.5, dtype=dtype)
    found = layer(ops.ones((3, 10), dtype), training=True)
    assert keras.backend.standardize_dtype(found.dtype) == dtype


def test_a_model_learns_through_it_and_comes_back(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    dropped = ByteDropout(0.4)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(dropped))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
    before = model.evaluate(x, x.sum(1), verbose=0)
    model.fit(x, x.sum(1), epochs=30, verbose=0)
    assert model.evaluate(x, x.sum(1), verbose=0) < 0.5 * before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].rate == 0.4
    np.testing.assert_array_equal(loaded(x), model(x))


def test_three_dimensions_are_dropped_number_by_number():
    mask = drop(0.5, (6, 7, 10)) == 0
    assert 0.3 < mask.mean() < 0.7
    assert len(np.unique(mask.reshape(42, 10), axis=0)) > 35


def test_a_noise_shape_drops_whole_rows():
    layer = ByteDropout(0.5, noise_shape=(None, 1), seed=1)
    found = np.asarray(layer(np.ones((64, 10), "float32"), training=True))
    assert set(found.mean(axis=1).tolist()) == {0.0, 2.0}


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


INPUTS, UPSTREAM = draw(BATCH, DIM), draw(BATCH, UNITS, seed=4)


def make_pair(dim=DIM, **kwargs):
    """A WideDense and a Dense of the same weights."""
    layers = WideDense(UNITS, **kwargs), keras.layers.Dense(UNITS, **kwargs)
    values = [draw(dim, UNITS, seed=1), draw(UNITS, seed=2)]
    for layer in layers:
        layer.build((None, dim))
        layer.set_weights(values[: len(layer.weights)])
    return layers


def gradients(layer, inputs, upstream):
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    sources = [inputs, *(x.value for x in layer.trainable_weights)]
    upstream = tf.cast(upstream, outputs.dtype)
    return [outputs, *tape.gradient(outputs, sources, upstream)]


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradients_are_those_of_the_product(use_bias, jit_compile):
    wide, _ = make_pair(use_bias=use_bias)
    kernel, *biases = wide.get_weights()
    expected = [
        INPUTS @ kernel + sum(biases),
        *(UPSTREAM @ kernel.T, INPUTS.T @ UPSTREAM, UPSTREAM.sum(0)),
    ]
    call = (
        tf.function(gradients, jit_compile=True) if jit_compile else gradients
    )
    found = call(wide, INPUTS, UPSTREAM)
    assert len(found) == 3 + use_bias
    for got, wanted in zip(found, expected, strict=False):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_half_precision_is_that_of_dense(dtype, activation):
    pair = make_pair(dtype=dtype, activation=activation)
    of_wide, of_dense = (gradients(x, INPUTS, UPSTREAM) for x in pair)
    for found, expected in zip(of_wide, of_dense, strict=True):
        assert found.dtype == expected.dtype
        expected = np.asarray(expected, "float32")
        found = np.asarray(found, "float32")
        np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", [(DIM,), (4, DIM)])
def test_it_multiplies_clips_and_frames(shape, training):
    wide, _ = make_pair()
    inputs = draw(BATCH, *shape)
    kernel, bias = (x.astype("float64") for x in wide.get_weights())
    expected = inputs.astype("float64") @ kernel + bias
    found = wide(inputs, training=training)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_batch_without_rows_has_gradients_of_zero():
    wide, _ = make_pair()
    outputs, of_inputs, of_kernel, _ = gradients(
        wide, draw(0, DIM), draw(0, UNITS)
    )
    assert outputs.shape == (0, UNITS) and of_inputs.shape == (0, DIM)
    np.testing.assert_array_equal(of_kernel, np.zeros((DIM, UNITS)))


def test_fit_takes_the_steps_of_dense(tmp_path):
    inputs, targets = draw(64, DIM), draw(64, UNITS, seed=9)
    models = [keras.Sequential([layer]) for layer in make_pair()]
    for model in models:
        model.compile(keras.optimizers.Adam(0.01), "mse")
        model.fit(inputs, targets, epochs=3, shuffle=False, verbose=0)
    found, expected = (model.get_weights() for model in models)
    start = make_pair()[0].get_weights()
    for got, wanted, before in zip(found, expected, start, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)
        assert np.abs(wanted - before).max() > 0.01
    models[0].save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[0], WideDense)
    np.testing.assert_array_equal(loaded(inputs), models[0](inputs))
