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


def two_kernels(initializer):
    layer = AttentionCluster(
        16, "fc2", hidden_units=16, kernel_initializer=initializer
    )
    return build(layer).kernel, layer.hidden_kernel


def kernels_of_a_unit():
    unit = build(AttentionUnit("fc2", hidden_units=16)).cluster
    return unit.kernel, unit.hidden_kernel


def alpha_and_beta():
    once = keras.initializers.RandomNormal()
    layer = ShiftingCluster(64, alpha_initializer=once, beta_initializer=once)
    return build(layer).alpha, layer.beta


def kernels_of_two_layers():
    once = keras.initializers.RandomNormal()
    layers = [AttentionCluster(16, kernel_initializer=once) for _ in "ab"]
    return [build(layer).kernel for layer in layers]


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (lambda: two_kernels(keras.initializers.LecunUniform()), 0.5),
        (lambda: two_kernels(keras.initializers.GlorotNormal()), 0.5),
        (kernels_of_a_unit, 0.9),
        (alpha_and_beta, 0.5),
        (kernels_of_two_layers, 0.5),
        (lambda: [build(ShiftingCluster(64)).beta for _ in "ab"], 0.5),
    ],
)
def test_two_weights_start_independently(make, limit):
    """Compares the numbers that the weights were drawn from, one by one."""
    first, second = (values(weight).ravel() for weight in make())
    size = min(first.size, second.size)
    assert abs(np.corrcoef(first[:size], second[:size])[0, 1]) < limit


def fill(shape, dtype=None):
    return keras.ops.full(shape, 3.0, dtype)


@pytest.mark.parametrize("initializer", [Filling(3.0), fill])
@pytest.mark.parametrize("weight", ["kernel", "alpha", "beta"])
def test_an_initializer_may_be_a_users_object_or_function(weight, initializer):
    layer = ShiftingCluster(4, **{f"{weight}_initializer": initializer})
    filled = values(getattr(build(layer), weight))
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
