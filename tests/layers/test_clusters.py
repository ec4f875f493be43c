"""Clusters and units against the equations of the paper, masks included."""

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import FrameMask
from ac_keras import MultimodalCluster
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.random_clips import draw_shape
from support.layers.random_clips import randomize

WEIGHTINGS = ("average", "fc1", "fc2")
MAKERS = {
    "cluster": AttentionCluster,
    "shifting": ShiftingCluster,
    "unit": lambda _, *args: AttentionUnit(*args),
    "shifting unit": lambda _, *args: AttentionUnit(*args, shift=True),
}
each_kind = pytest.mark.parametrize("kind", MAKERS)
each_weighting = pytest.mark.parametrize("weighting", WEIGHTINGS)
each_learned = pytest.mark.parametrize("weighting", ["fc1", "fc2"])


def make_layer(kind, weighting="fc1", num_units=3, seed=0, dim=5):
    layer = MAKERS[kind](num_units, weighting, 4)
    return build_randomly(layer, seed, dim)


def split_units(pooled, num_units=3):
    return np.reshape(pooled, (len(pooled), num_units, -1))


@each_kind
@each_weighting
@pytest.mark.parametrize(
    "shape",
    [*map(draw_shape, range(5)), (4, 1, 5), (4, 2, 5), (4, 40, 5)],
)
def test_pools_as_the_paper_says_whatever_the_number_of_frames(
    kind, weighting, shape
):
    *_, dim = shape
    layer = MAKERS[kind](1 + dim % 5, weighting, 4)
    layer(draw_frames(0, dim=dim))  # builds it with another number of frames
    randomize(layer, seed=dim)
    frames = draw_frames(2, *shape)
    expected = reference.pool_like(layer, frames)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)
    assert np.abs(expected).max() > 0.1


@each_kind
@each_weighting
@pytest.mark.parametrize("filler", [1.0, 1e30, np.nan, np.inf, -np.inf])
def test_masked_frames_equal_removed_frames_and_have_no_score(
    kind, weighting, filler
):
    frames, mask = draw_frames(4), draw_mask(4)
    mask[2] = False
    layer = make_layer(kind, weighting)
    expected = reference.pool_like(layer, frames, mask)
    frames[~mask] = filler
    pooled, scores = layer(frames, mask=mask, return_attention_scores=True)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)
    assert not np.any(pooled[2])
    by_frame = np.asarray(scores).reshape(4, -1, 6).swapaxes(1, 2)
    assert not by_frame[~mask].any() and by_frame[mask].all()


@each_kind
@each_weighting
def test_an_integer_mask_is_a_bool_mask(kind, weighting):
    frames, mask = draw_frames(4), draw_mask(4)
    layer = make_layer(kind, weighting)
    pooled = layer(frames, mask=mask.astype("int32"))
    np.testing.assert_array_equal(pooled, layer(frames, mask=mask))
    assert not np.allclose(pooled, layer(frames))


def assert_no_warning(warnings):
    assert not [w for w in warnings if "mask" in str(w.message)]


@each_kind
@pytest.mark.parametrize("model", [None, keras.Sequential])
def test_the_implicit_mask_of_a_masking_layer_is_honoured(kind, model, recwarn):
    layer, masking = make_layer(kind), keras.layers.Masking(2.0)
    frames, mask = draw_frames(7), draw_mask(7)
    frames[~mask] = 2
    pooled = (
        model([masking, layer])(frames) if model else layer(masking(frames))
    )
    assert_no_warning(recwarn)
    expected = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-6)
    assert not np.allclose(layer(frames), expected, atol=1e-2)


def test_implicit_masks_are_honoured_modality_by_modality(recwarn):
    frames, mask = draw_frames(9), draw_mask(9)
    frames[~mask] = 2
    layer = MultimodalCluster({"rgb": 3, "audio": 2})
    masked = {"rgb": keras.layers.Masking(2.0)(frames), "audio": frames}
    expected = layer({"rgb": frames, "audio": frames}, mask={"rgb": mask})
    np.testing.assert_array_equal(layer(masked), expected)
    assert_no_warning(recwarn)
    assert np.abs(expected).max() > 0.1


def test_no_mask_leaves_a_cluster():
    inputs = keras.layers.Masking(2.0)(keras.Input((None, 5)))
    pooled = ShiftingCluster(3)(inputs)
    assert getattr(pooled, "_keras_mask", None) is None
    assert ShiftingCluster(3).compute_mask(inputs, mask=True) is None


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_a_mask_is_made_of_counts_of_every_integer_dtype(dtype):
    frames, counts = draw_frames(0), np.array([1, 0, 3, 2], dtype)
    mask = FrameMask()(frames, counts)
    np.testing.assert_array_equal(mask, np.arange(6) < counts[:, None])
    layer = make_layer("shifting")
    pooled = layer(frames, mask=mask)
    expected = layer(frames[2:3, :3])
    np.testing.assert_allclose(pooled[2:3], expected, atol=1e-6)


@each_learned
def test_one_more_bias_in_the_softmax_changes_nothing(weighting):
    frames = draw_frames(1)
    layer = make_layer("cluster", weighting)
    last_bias = {"fc1": "b", "fc2": "b2"}[weighting]
    units = reference.units_of(reference.weights_of(layer), 3)
    biased = [{**unit, last_bias: 2.5} for unit in units]
    expected = reference.pool(frames, biased)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


def test_average_weighs_all_frames_alike_and_has_no_weights():
    frames = 100 * draw_frames(11)
    layer = AttentionCluster(3, "average")
    _, scores = layer(frames, return_attention_scores=True)
    np.testing.assert_allclose(scores, np.full((4, 3, 6), 1 / 6), rtol=1e-6)
    assert layer.weights == []


@each_learned
def test_kernels_are_regularized(weighting):
    layer = AttentionCluster(3, weighting, 4, kernel_regularizer="l2")
    build_randomly(layer, seed=0)
    kernels = [w for w in layer.weights if "kernel" in w.name]
    expected = sum(0.01 * np.sum(w.numpy() ** 2) for w in kernels)
    assert float(sum(layer.losses)) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_clips_gives_an_output_without_rows():
    pooled = make_layer("cluster")(np.zeros((0, 6, 5), "float32"))
    assert tuple(pooled.shape) == (0, 15)


@each_weighting
@pytest.mark.parametrize("num_units", [1, 2, 64])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_every_shifting_unit_has_norm_one_over_root_n(
    weighting, num_units, size
):
    layer = make_layer("shifting", weighting, num_units)
    pooled = layer(size * draw_frames(3))
    norms = np.linalg.norm(split_units(pooled, num_units), axis=-1)
    np.testing.assert_allclose(norms, num_units**-0.5, rtol=1e-5)


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [
        ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),  # the plain cluster, normalized
        ((-1.0, 2.0, -9.0), (0.0, 0.0, 0.0)),  # only the sign counts
        ((-7.0, 7.0, 14.0), (3.5, 7.0, -7.0)),
        ((0.0, 0.0, 0.0), (2.0, -0.5, 1.0)),
        ((1.0, 0.0, 1.0), (1.0, 0.0, 1.0)),  # a unit without a direction
    ],
)
def test_alpha_and_beta_give_the_direction(alpha, beta):
    frames, layer = draw_frames(8), make_layer("shifting")
    layer.alpha.assign(alpha)
    layer.beta.assign(beta)
    pooled = layer(frames)
    expected = reference.pool_like(layer, frames)
    np.testing.assert_allclose(pooled, expected, atol=1e-6)
    norms = np.linalg.norm(split_units(pooled), axis=-1)
    has_direction = np.any([alpha, beta], axis=0)
    expected = np.tile(has_direction / np.sqrt(3), (4, 1))
    np.testing.assert_allclose(norms, expected, atol=1e-6)


@pytest.mark.parametrize(("size", "norm"), [(1e-7, 0), (1e-5, 3**-0.5)])
def test_a_norm_below_a_millionth_is_no_direction(size, norm):
    layer = make_layer("shifting", "average")
    layer.alpha.assign(np.full(3, size))
    layer.beta.assign(np.zeros(3))
    frames = draw_frames(8)
    frames /= np.linalg.norm(frames.mean(1), axis=-1)[:, None, None]
    norms = np.linalg.norm(split_units(layer(frames)), axis=-1)
    np.testing.assert_allclose(norms, np.full((4, 3), norm), rtol=1e-5)


@pytest.mark.parametrize("offset", [10, 100])
def test_a_shift_that_cancels_the_frames_mean_leaves_the_direction(offset):
    frames = offset + draw_frames(3, dim=512)
    layer = make_layer("shifting", num_units=4, dim=512)
    layer.alpha.assign(np.ones(4))
    layer.beta.assign(np.full(4, -offset) + 0.1)
    expected = reference.pool_like(layer, frames)
    np.testing.assert_allclose(layer(frames), expected, atol=5e-5)
