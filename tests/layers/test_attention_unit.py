"""AttentionUnit: a cluster with one unit."""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.random_clips import draw_shape
from support.layers.unit_weights import unit_of
from support.layers.unit_weights import units_of
from support.layers.unit_weights import weights_of

WEIGHTINGS = ("average", "fc1", "fc2")
each_weighting = pytest.mark.parametrize("weighting", WEIGHTINGS)
each_shift = pytest.mark.parametrize("shift", [False, True])


def make_unit(weighting, shift=False, seed=0, dim=5):
    layer = AttentionUnit(weighting, hidden_units=4, shift=shift)
    return build_randomly(layer, seed, dim)


def set_unit(unit, parameters):
    """Sets the weights of an AttentionUnit to those of a cluster's unit."""
    names = {"w": "kernel", "W1": "hidden_kernel", "b1": "hidden_bias"}
    names.update({"w2": "kernel", "alpha": "alpha", "beta": "beta"})
    values = {names[name]: value for name, value in parameters.items()}
    for weight in unit.weights:
        weight.assign(np.reshape(values[weight.name], weight.shape))


@each_shift
@each_weighting
@pytest.mark.parametrize("seed", range(3))
def test_pools_as_the_paper_says(weighting, shift, seed):
    shape = draw_shape(seed)
    frames = draw_frames(seed, *shape)
    layer = make_unit(weighting, shift, seed, dim=shape[-1])
    expected = reference.pool(frames, units_of(weights_of(layer), 1))
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("k", range(3))
@each_weighting
def test_slice_k_of_a_cluster_is_a_unit_with_the_kth_weights(
    weighting, k, masked
):
    frames = draw_frames(1)
    mask = draw_mask(1) if masked else None
    cluster = AttentionCluster(3, weighting, hidden_units=4)
    build_randomly(cluster, seed=1)
    unit = make_unit(weighting)
    set_unit(unit, unit_of(weights_of(cluster), k, 3))
    pooled = np.asarray(cluster(frames, mask=mask))
    np.testing.assert_allclose(
        pooled[:, k * 5 : (k + 1) * 5], unit(frames, mask=mask), atol=1e-6
    )
    assert np.abs(pooled).max() > 0.1


@pytest.mark.parametrize("k", range(3))
@each_weighting
def test_slice_k_of_a_shifting_cluster_is_a_unit_over_root_n(weighting, k):
    frames = draw_frames(2)
    cluster = ShiftingCluster(3, weighting, hidden_units=4)
    build_randomly(cluster, seed=2)
    unit = make_unit(weighting, shift=True)
    set_unit(unit, unit_of(weights_of(cluster), k, 3))
    pooled = np.asarray(cluster(frames))[:, k * 5 : (k + 1) * 5]
    alone = np.asarray(unit(frames))
    np.testing.assert_allclose(np.sqrt(3) * pooled, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)
