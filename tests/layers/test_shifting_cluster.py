"""ShiftingCluster against Eq. 7."""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.unit_weights import units_of
from support.layers.unit_weights import weights_of

each_weighting = pytest.mark.parametrize("weighting", ["average", "fc1", "fc2"])


def make_cluster(weighting="fc1", seed=0, num_units=3, dim=5, **kwargs):
    layer = ShiftingCluster(num_units, weighting, hidden_units=4, **kwargs)
    return build_randomly(layer, seed, dim)


def reference_pool(layer, frames, mask=None):
    units = units_of(weights_of(layer), layer.num_units)
    return reference.pool(frames, units, mask)


def unit_norms(pooled, num_units=3):
    units = np.reshape(pooled, (len(pooled), num_units, -1))
    return np.linalg.norm(units, axis=-1)


@each_weighting
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_every_unit_has_norm_one_over_root_n(weighting, size):
    layer = make_cluster(weighting)
    norms = unit_norms(layer(size * draw_frames(3)))
    np.testing.assert_allclose(norms, np.full((4, 3), 3**-0.5), rtol=1e-5)


@each_weighting
@pytest.mark.parametrize("num_units", [1, 2, 64])
def test_the_whole_output_has_norm_one(weighting, num_units):
    pooled = make_cluster(weighting, num_units=num_units)(draw_frames(4))
    norms = np.linalg.norm(pooled, axis=1)
    np.testing.assert_allclose(norms, np.ones(4), rtol=1e-5)


def test_without_a_shift_it_is_the_plain_cluster_normalised():
    frames = draw_frames(5)
    shifting = ShiftingCluster(3, beta_initializer="zeros")
    shifting.build(frames.shape)
    plain = AttentionCluster(3)
    plain.build(frames.shape)
    plain.kernel.assign(shifting.kernel)
    units = np.reshape(plain(frames), (4, 3, 5))
    norms = np.linalg.norm(units, axis=-1, keepdims=True)
    expected = np.reshape(units / (np.sqrt(3) * norms), (4, 15))
    np.testing.assert_allclose(shifting(frames), expected, atol=1e-6)


def test_scaling_alpha_and_beta_together_changes_nothing():
    frames = draw_frames(6)
    layer = make_cluster()
    expected = layer(frames)
    layer.alpha.assign(layer.alpha * 7.0)
    layer.beta.assign(layer.beta * 7.0)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


def test_a_negative_alpha_turns_the_unit_round():
    frames = draw_frames(6)
    layer = make_cluster()
    layer.beta.assign(np.zeros(3))
    expected = -np.asarray(layer(frames))
    layer.alpha.assign(-layer.alpha.numpy())
    np.testing.assert_allclose(layer(frames), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


def test_beta_alone_decides_where_alpha_is_zero():
    layer = make_cluster()
    layer.alpha.assign(np.zeros(3))
    layer.beta.assign((2.0, -0.5, 1.0))
    expected = np.repeat([1.0, -1.0, 1.0], 5) / np.sqrt(15)
    pooled = layer(draw_frames(7))
    np.testing.assert_allclose(pooled, np.tile(expected, (4, 1)), atol=1e-6)


def test_alpha_and_beta_are_two_scalars_a_unit():
    layer = make_cluster(num_units=7)
    assert tuple(layer.alpha.shape) == tuple(layer.beta.shape) == (7,)


def test_a_unit_without_direction_gives_zeros_next_to_others():
    layer = make_cluster()
    layer.alpha.assign((1.0, 0.0, 1.0))
    layer.beta.assign((1.0, 0.0, 1.0))
    norms = unit_norms(layer(draw_frames(8)))
    expected = np.tile([3**-0.5, 0, 3**-0.5], (4, 1))
    np.testing.assert_allclose(norms, expected, atol=1e-6)


@pytest.mark.parametrize(("size", "norm"), [(1e-7, 0), (1e-5, 3**-0.5)])
def test_a_norm_below_a_millionth_is_no_direction(size, norm):
    layer = make_cluster("average")
    layer.alpha.assign(np.full(3, size))
    layer.beta.assign(np.zeros(3))
    frames = draw_frames(8)
    frames /= np.linalg.norm(frames.mean(1), axis=-1)[:, None, None]
    norms = unit_norms(layer(frames))
    np.testing.assert_allclose(norms, np.full((4, 3), norm), rtol=1e-5)


@pytest.mark.parametrize("offset", [10, 100])
def test_a_shift_that_cancels_the_frames_mean_leaves_the_direction(offset):
    frames = offset + draw_frames(3, dim=512)
    layer = make_cluster(num_units=4, dim=512)
    layer.alpha.assign(np.ones(4))
    layer.beta.assign(np.full(4, -offset) + 0.1)
    expected = reference_pool(layer, frames)
    np.testing.assert_allclose(layer(frames), expected, atol=5e-5)
