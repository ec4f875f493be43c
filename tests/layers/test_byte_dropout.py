"""ByteDropout: its share, its scale, and that draws are independent."""

import keras
import numpy as np
import pytest
from keras import ops

from ac_keras.layers import ByteDropout

SHAPE = (40, 1003)  # not a whole number of words a row


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
