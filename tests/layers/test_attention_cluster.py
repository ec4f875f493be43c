"""AttentionCluster and ShiftingCluster against the equations of the paper."""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_shape
from support.layers.unit_weights import units_of
from support.layers.unit_weights import weights_of

WEIGHTINGS = ("average", "fc1", "fc2")
LEARNED = ("fc1", "fc2")
each_weighting = pytest.mark.parametrize("weighting", WEIGHTINGS)
each_class = pytest.mark.parametrize(
    "make", [AttentionCluster, ShiftingCluster]
)
each_learned = pytest.mark.parametrize("weighting", LEARNED)


def make_cluster(
    weighting, seed=0, num_units=3, dim=5, make=AttentionCluster, **kwargs
):
    layer = make(num_units, weighting, hidden_units=4, **kwargs)
    return build_randomly(layer, seed, dim)


def reference_units(layer):
    return units_of(weights_of(layer), layer.num_units)


@each_class
@each_weighting
@pytest.mark.parametrize("seed", range(5))
def test_pools_as_the_paper_says(make, weighting, seed):
    shape = draw_shape(seed)
    frames = draw_frames(seed, *shape)
    layer = make_cluster(weighting, seed, 1 + seed, shape[-1], make)
    expected = reference.pool(frames, reference_units(layer))
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


@each_learned
def test_one_more_bias_in_the_softmax_changes_nothing(weighting):
    frames = draw_frames(1)
    layer = make_cluster(weighting)
    last_bias = {"fc1": "b", "fc2": "b2"}[weighting]
    biased = [{**unit, last_bias: 2.5} for unit in reference_units(layer)]
    expected = reference.pool(frames, biased)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


def test_the_weight_of_a_constant_feature_changes_no_score():
    frames = draw_frames(1)
    frames[:, :, -1] = 1.5
    layer = make_cluster("fc1")
    _, before = layer(frames, return_attention_scores=True)
    kernel = layer.kernel.numpy()
    kernel[-1] += (3.0, -2.0, 7.0)
    layer.kernel.assign(kernel)
    _, after = layer(frames, return_attention_scores=True)
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert np.std(before) > 0.05


@each_class
@each_weighting
def test_permuting_the_frames_changes_nothing(make, weighting):
    frames = draw_frames(2)
    layer = make_cluster(weighting, make=make)
    order = np.random.default_rng(2).permutation(frames.shape[1])
    expected = layer(frames)
    np.testing.assert_allclose(layer(frames[:, order]), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


@each_class
@each_weighting
@pytest.mark.parametrize("num_frames", [1, 2, 40])
def test_takes_another_number_of_frames_than_in_build(
    make, weighting, num_frames
):
    layer = make(3, weighting, hidden_units=4)
    layer(draw_frames(0))
    frames = draw_frames(9, num_frames=num_frames)
    expected = reference.pool(frames, reference_units(layer))
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


@each_weighting
def test_a_single_frame_is_every_units_output(weighting):
    frames = draw_frames(10, num_frames=1)
    pooled = make_cluster(weighting)(frames)
    expected = np.tile(frames[:, 0], (1, 3))
    np.testing.assert_allclose(pooled, expected, atol=1e-6)


def test_average_weighs_all_frames_alike_whatever_they_hold():
    frames = 100 * draw_frames(11)
    layer = AttentionCluster(3, "average")
    _, scores = layer(frames, return_attention_scores=True)
    np.testing.assert_allclose(scores, np.full((4, 3, 6), 1 / 6), rtol=1e-6)


def test_average_has_nothing_to_learn():
    layer = AttentionCluster(3, "average")
    layer.build((None, None, 5))
    assert layer.weights == []


@each_learned
def test_every_unit_has_parameters_of_its_own(weighting):
    frames = draw_frames(12)
    units = np.reshape(make_cluster(weighting)(frames), (4, 3, 5))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(units[:, first] - units[:, second]).max() > 1e-2


@each_learned
def test_kernels_are_regularized(weighting):
    layer = make_cluster(weighting, kernel_regularizer="l2")
    kernels = [w for w in layer.weights if "kernel" in w.name]
    expected = sum(0.01 * np.sum(w.numpy() ** 2) for w in kernels)
    assert float(sum(layer.losses)) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_clips_gives_an_output_without_rows():
    layer = make_cluster("fc1")
    assert tuple(layer(np.zeros((0, 6, 5), "float32")).shape) == (0, 15)
