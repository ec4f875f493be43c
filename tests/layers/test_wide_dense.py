"""WideDense: keras.layers.Dense, in its outputs and in its gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras.layers import WideDense

BATCH, DIM, UNITS = 5, 37, 3


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


@pytest.mark.parametrize("training", [False, True])
def test_it_multiplies(training):
    wide, _ = make_pair()
    kernel, bias = (x.astype("float64") for x in wide.get_weights())
    expected = INPUTS.astype("float64") @ kernel + bias
    found = wide(INPUTS, training=training)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("use_bias", [False, True])
def test_gradients_are_those_of_the_product(use_bias):
    wide, _ = make_pair(use_bias=use_bias)
    kernel = wide.get_weights()[0]
    expected = [UPSTREAM @ kernel.T, INPUTS.T @ UPSTREAM, UPSTREAM.sum(0)]
    _, *found = gradients(wide, INPUTS, UPSTREAM)
    assert len(found) == 2 + use_bias
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


def test_frames_are_multiplied_one_by_one():
    wide, dense = make_pair()
    frames = draw(BATCH, 4, DIM)
    found = wide(frames, training=True)
    np.testing.assert_allclose(found, dense(frames), atol=1e-5)


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


def test_xla_compiles_it():
    wide, _ = make_pair()
    compiled = tf.function(gradients, jit_compile=True)
    found = compiled(wide, INPUTS, UPSTREAM)
    expected = gradients(wide, INPUTS, UPSTREAM)
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)
