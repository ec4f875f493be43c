"""AttentionUnit: a cluster of one, and what clusters are made of."""

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
    """Gives an AttentionUnit the parameters of one unit of a cluster."""
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


@each_shift
@each_weighting
def test_permuting_the_frames_changes_nothing(weighting, shift):
    frames = draw_frames(3)
    layer = make_unit(weighting, shift)
    expected = layer(frames)
    reversed_frames = layer(frames[:, ::-1])
    np.testing.assert_allclose(reversed_frames, expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


@each_shift
@each_weighting
def test_masked_frames_equal_removed_frames(weighting, shift):
    frames, mask = draw_frames(4), draw_mask(4)
    layer = make_unit(weighting, shift)
    units = units_of(weights_of(layer), 1)
    expected = reference.pool(frames, units, mask)
    frames[~mask] = np.nan
    pooled = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)


@each_shift
@each_weighting
def test_scores_have_one_row_a_clip_that_sums_up_to_one(weighting, shift):
    frames = draw_frames(5)
    layer = make_unit(weighting, shift)
    _, scores = layer(frames, return_attention_scores=True)
    expected = reference.attention_scores(
        frames, units_of(weights_of(layer), 1)
    )
    assert tuple(scores.shape) == (4, 6)
    np.testing.assert_allclose(scores, expected[:, 0], atol=1e-5)
    np.testing.assert_allclose(np.sum(scores, -1), np.ones(4), atol=1e-6)


@each_weighting
def test_a_clip_without_frames_gives_zeros(weighting):
    mask = draw_mask(6)
    mask[1] = False
    pooled = make_unit(weighting, shift=True)(draw_frames(6), mask=mask)
    norms = np.linalg.norm(pooled, axis=1)
    np.testing.assert_allclose(norms, [1, 0, 1, 1], atol=1e-6)
