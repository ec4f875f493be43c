"""How layers start, alone and from their config.

The conformance table saves and loads every layer.
"""

import json

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster


@keras.saving.register_keras_serializable(package="ac_keras_tests")
class EveryOther(keras.initializers.Initializer):
    """A user's own initializer: `size` and its negative in turn."""

    def __init__(self, size=1.0):
        self.size = size

    def __call__(self, shape, dtype=None):
        signs = (-1.0) ** np.arange(shape[0])
        return keras.ops.convert_to_tensor(self.size * signs, dtype=dtype)

    def get_config(self):
        return {"size": self.size}


LAYERS = {
    "cluster": lambda: AttentionCluster(
        3,
        "fc2",
        hidden_units=4,
        kernel_initializer=keras.initializers.RandomNormal(0, 0.3),
        bias_initializer=keras.initializers.Constant(0.2),
        kernel_regularizer=keras.regularizers.L2(0.003),
        name="its_own_name",
    ),
    "shifting": lambda: ShiftingCluster(
        3,
        kernel_initializer="glorot_normal",
        alpha_initializer=EveryOther(2.0),
        beta_initializer=keras.initializers.Constant(0.1),
        dtype="mixed_bfloat16",
    ),
    "unit": lambda: AttentionUnit(
        "fc2", 4, shift=True, kernel_initializer="glorot_normal"
    ),
}


def json_config(layer):
    """The config as a file holds it, where tuples are lists."""
    return json.loads(json.dumps(layer.get_config()))


@pytest.mark.parametrize("case", LAYERS)
def test_a_layer_from_the_config_starts_like_the_layer(case):
    keras.utils.set_random_seed(1)
    layer = LAYERS[case]()
    layer.build((None, None, 5))
    config = json_config(layer)
    keras.utils.set_random_seed(1)
    copy = type(layer).from_config(config)
    copy.build((None, None, 5))
    assert json_config(copy) == config
    assert copy.dtype_policy.name == layer.dtype_policy.name
    assert [w.path.split("/")[-1] for w in copy.weights] == [
        w.path.split("/")[-1] for w in layer.weights
    ]
    for weight, expected in zip(copy.weights, layer.weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)


def build(layer, dim=16):
    layer.build((None, None, dim))
    return layer


def two_kernels(once):
    layer = AttentionCluster(16, "fc2", 16, kernel_initializer=once)
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
    first, second = (weight.numpy().ravel() for weight in make())
    size = min(first.size, second.size)
    assert abs(np.corrcoef(first[:size], second[:size])[0, 1]) < limit


class Filling(keras.initializers.Initializer):
    """A user's initializer; it cannot be saved, but used."""

    def __init__(self, size=1.0):
        self.size = size

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, self.size, dtype)


def fill(shape, dtype=None):
    return keras.ops.full(shape, 3.0, dtype)


@pytest.mark.parametrize("initializer", [Filling(3.0), fill])
@pytest.mark.parametrize("weight", ["kernel", "alpha", "beta"])
def test_an_initializer_may_be_a_users_object_or_function(weight, initializer):
    layer = ShiftingCluster(4, **{f"{weight}_initializer": initializer})
    filled = getattr(build(layer), weight).numpy()
    np.testing.assert_array_equal(filled, np.full(filled.shape, 3.0))


def test_the_hidden_bias_starts_as_told():
    layer = AttentionCluster(2, "fc2", 4, bias_initializer="ones")
    np.testing.assert_array_equal(build(layer).hidden_bias, np.ones(8))


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
            assert np.abs(weight.numpy()).max() == pytest.approx(bound, 0.1)
            assert np.std(weight.numpy()) == pytest.approx(bound / 3**0.5, 0.3)


def test_units_start_unscaled_with_different_shifts():
    keras.utils.set_random_seed(0)
    layer = build(ShiftingCluster(500))
    np.testing.assert_array_equal(layer.alpha, np.ones(500))
    beta = layer.beta.numpy()
    assert len(set(beta)) == 500
    assert abs(np.mean(beta)) < 0.1
    assert np.std(beta) == pytest.approx(0.5, abs=0.05)
