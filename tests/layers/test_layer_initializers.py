"""How layers start: initializers given as names, objects and functions."""

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster


class Filling(keras.initializers.Initializer):
    """A user's own initializer; it cannot be saved, but used."""

    def __init__(self, size=1.0):
        self.size = size

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, self.size, dtype)


def build(layer, dim=16):
    layer.build((None, None, dim))
    return layer


def values(weight):
    return keras.ops.convert_to_numpy(weight)


def largest_correlation(first, second):
    """Of the numbers that two weights were drawn from, one by one."""
    first, second = values(first).ravel(), values(second).ravel()
    size = min(first.size, second.size)
    return abs(np.corrcoef(first[:size], second[:size])[0, 1])


@pytest.mark.parametrize("initializer", ["lecun_uniform", "glorot_normal"])
def test_the_two_kernels_of_fc2_start_independently(initializer):
    layer = AttentionCluster(
        16,
        "fc2",
        hidden_units=16,
        kernel_initializer=keras.initializers.get(initializer),
    )
    build(layer)
    assert largest_correlation(layer.kernel, layer.hidden_kernel) < 0.5


def test_the_kernels_of_a_unit_start_independently():
    unit = build(AttentionUnit("fc2", hidden_units=16)).cluster
    assert largest_correlation(unit.kernel, unit.hidden_kernel) < 0.9


def test_alpha_and_beta_start_independently_of_one_initializer():
    once = keras.initializers.RandomNormal()
    layer = ShiftingCluster(64, alpha_initializer=once, beta_initializer=once)
    build(layer)
    assert largest_correlation(layer.alpha, layer.beta) < 0.5


def test_two_layers_start_independently_of_one_initializer():
    once = keras.initializers.RandomNormal()
    layers = [AttentionCluster(16, kernel_initializer=once) for _ in "ab"]
    first, second = (build(layer).kernel for layer in layers)
    assert largest_correlation(first, second) < 0.5


@pytest.mark.parametrize("weight", ["kernel", "alpha", "beta"])
def test_a_users_initializer_keeps_its_arguments(weight):
    layer = ShiftingCluster(4, **{f"{weight}_initializer": Filling(3.0)})
    build(layer)
    filled = values(getattr(layer, weight))
    np.testing.assert_array_equal(filled, np.full(filled.shape, 3.0))


@pytest.mark.parametrize("weight", ["kernel", "alpha", "beta"])
def test_a_function_is_an_initializer(weight):
    def fill(shape, dtype=None):
        return keras.ops.full(shape, 3.0, dtype)

    layer = build(ShiftingCluster(4, **{f"{weight}_initializer": fill}))
    filled = values(getattr(layer, weight))
    np.testing.assert_array_equal(filled, np.full(filled.shape, 3.0))


def test_the_hidden_bias_starts_as_told():
    layer = AttentionCluster(2, "fc2", 4, bias_initializer="ones")
    bias = values(build(layer).hidden_bias)
    np.testing.assert_array_equal(bias, np.ones(8))


@pytest.mark.parametrize("weighting", ["fc1", "fc2"])
@pytest.mark.parametrize("num_units", [1, 128])
def test_a_unit_starts_alike_in_a_small_and_a_large_cluster(
    weighting, num_units
):
    layer = AttentionCluster(num_units, weighting, hidden_units=75)
    build(layer, dim=75)
    bound = np.sqrt(3 / 75)
    for weight in layer.weights:
        if "kernel" in weight.name:
            assert np.abs(values(weight)).max() == pytest.approx(bound, 0.1)
            assert np.std(values(weight)) == pytest.approx(bound / 3**0.5, 0.3)


def test_units_start_unscaled_with_different_shifts():
    keras.utils.set_random_seed(0)
    layer = build(ShiftingCluster(500))
    np.testing.assert_array_equal(values(layer.alpha), np.ones(500))
    assert len(set(values(layer.beta))) == 500
    assert abs(np.mean(values(layer.beta))) < 0.1
    assert np.std(values(layer.beta)) == pytest.approx(0.5, abs=0.05)


def test_two_clusters_start_with_different_shifts():
    first, second = (build(ShiftingCluster(64)).beta for _ in "ab")
    assert largest_correlation(first, second) < 0.5
