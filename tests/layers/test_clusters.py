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
@pytest.mark.parametrize("seed", range(5))
def test_pools_as_the_paper_says(kind, weighting, seed):
    shape = draw_shape(seed)
    frames = draw_frames(seed, *shape)
    layer = make_layer(kind, weighting, 1 + seed, seed, shape[-1])
    expected = reference.pool_like(layer, frames)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


@each_kind
@each_weighting
def test_permuting_the_frames_changes_nothing(kind, weighting):
    frames = draw_frames(2)
    layer = make_layer(kind, weighting)
    order = np.random.default_rng(2).permutation(frames.shape[1])
    expected = layer(frames)
    np.testing.assert_allclose(layer(frames[:, order]), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


@each_kind
@each_weighting
@pytest.mark.parametrize("num_frames", [1, 2, 40])
def test_takes_another_number_of_frames_than_in_build(
    kind, weighting, num_frames
):
    layer = MAKERS[kind](3, weighting, 4)
    layer(draw_frames(0))
    frames = draw_frames(9, num_frames=num_frames)
    expected = reference.pool_like(layer, frames)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


@each_kind
@each_weighting
@pytest.mark.parametrize("filler", [1.0, 1e30, np.nan, np.inf, -np.inf])
def test_masked_frames_equal_removed_frames(kind, weighting, filler):
    frames, mask = draw_frames(4), draw_mask(4)
    mask[2] = False
    layer = make_layer(kind, weighting)
    expected = reference.pool_like(layer, frames, mask)
    frames[~mask] = filler
    pooled = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)
    assert not np.any(pooled[2])


@each_kind
@each_weighting
def test_an_integer_mask_is_a_bool_mask(kind, weighting):
    frames, mask = draw_frames(4), draw_mask(4)
    layer = make_layer(kind, weighting)
    pooled = layer(frames, mask=mask.astype("int32"))
    np.testing.assert_array_equal(pooled, layer(frames, mask=mask))
    assert not np.allclose(pooled, layer(frames))


@each_kind
@each_weighting
def test_scores_of_masked_frames_are_zero(kind, weighting):
    frames, mask = draw_frames(6), draw_mask(6)
    mask[2] = False
    layer = make_layer(kind, weighting)
    _, scores = layer(frames, mask=mask, return_attention_scores=True)
    by_frame = np.asarray(scores).reshape(4, -1, 6).swapaxes(1, 2)
    assert not by_frame[~mask].any()
    assert by_frame[mask].all()


@each_kind
@pytest.mark.parametrize("model", [None, keras.Sequential])
def test_the_implicit_mask_of_a_masking_layer_is_honoured(kind, model):
    layer, masking = make_layer(kind), keras.layers.Masking(2.0)
    frames, mask = draw_frames(7), draw_mask(7)
    frames[~mask] = 2
    pooled = (
        model([masking, layer])(frames) if model else layer(masking(frames))
    )
    expected = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-6)
    assert not np.allclose(layer(frames), expected, atol=1e-2)


def test_implicit_masks_are_honoured_modality_by_modality():
    frames, mask = draw_frames(9), draw_mask(9)
    frames[~mask] = 2
    layer = MultimodalCluster({"rgb": 3, "audio": 2})
    masked = {"rgb": keras.layers.Masking(2.0)(frames), "audio": frames}
    expected = layer({"rgb": frames, "audio": frames}, mask={"rgb": mask})
    np.testing.assert_array_equal(layer(masked), expected)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("kind", ["cluster", "unit", "multimodal"])
def test_an_implicit_mask_gives_no_warning(kind, recwarn):
    masked = keras.layers.Masking(2.0)(draw_frames(10))
    if kind == "multimodal":
        pooled = MultimodalCluster({"rgb": 3})({"rgb": masked})
    else:
        pooled = make_layer(kind)(masked)
    assert np.abs(pooled).max() > 0.1
    assert not [w for w in recwarn if "mask" in str(w.message)]


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


def test_the_weight_of_a_constant_feature_changes_no_score():
    frames = draw_frames(1)
    frames[:, :, -1] = 1.5
    layer = make_layer("cluster")
    _, before = layer(frames, return_attention_scores=True)
    kernel = layer.kernel.numpy()
    kernel[-1] += (3.0, -2.0, 7.0)
    layer.kernel.assign(kernel)
    _, after = layer(frames, return_attention_scores=True)
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert np.std(before) > 0.05


@each_weighting
def test_a_single_frame_is_every_units_output(weighting):
    frames = draw_frames(10, num_frames=1)
    pooled = make_layer("cluster", weighting)(frames)
    expected = np.tile(frames[:, 0], (1, 3))
    np.testing.assert_allclose(pooled, expected, atol=1e-6)


def test_average_weighs_all_frames_alike_and_has_no_weights():
    frames = 100 * draw_frames(11)
    layer = AttentionCluster(3, "average")
    _, scores = layer(frames, return_attention_scores=True)
    np.testing.assert_allclose(scores, np.full((4, 3, 6), 1 / 6), rtol=1e-6)
    assert layer.weights == []


@each_learned
def test_every_unit_has_its_own_parameters(weighting):
    units = split_units(make_layer("cluster", weighting)(draw_frames(12)))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(units[:, first] - units[:, second]).max() > 1e-2


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


def set_unit(unit, parameters):
    """Sets the weights of an AttentionUnit to those of a cluster's unit."""
    names = {"w": "kernel", "W1": "hidden_kernel", "b1": "hidden_bias"}
    names.update({"w2": "kernel", "alpha": "alpha", "beta": "beta"})
    values = {names[name]: value for name, value in parameters.items()}
    for weight in unit.weights:
        weight.assign(np.reshape(values[weight.name], weight.shape))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("kind", "unit_kind", "norm"),
    [("cluster", "unit", 1), ("shifting", "shifting unit", np.sqrt(3))],
)
@each_weighting
def test_slice_k_of_a_cluster_is_a_unit_with_the_kth_weights(
    weighting, kind, unit_kind, norm, masked
):
    frames = draw_frames(1)
    mask = draw_mask(1) if masked else None
    cluster = make_layer(kind, weighting, seed=1)
    unit = make_layer(unit_kind, weighting)
    pooled = split_units(cluster(frames, mask=mask))
    for k in range(3):
        weights = reference.weights_of(cluster)
        set_unit(unit, reference.unit_of(weights, k, 3))
        alone = unit(frames, mask=mask)
        np.testing.assert_allclose(norm * pooled[:, k], alone, atol=1e-6)
    assert np.abs(pooled).max() > 0.1


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


def test_without_a_shift_it_is_the_plain_cluster_normalised():
    frames = draw_frames(5)
    shifting = make_layer("shifting")
    shifting.alpha.assign(np.ones(3))
    shifting.beta.assign(np.zeros(3))
    plain = make_layer("cluster")
    plain.kernel.assign(shifting.kernel)
    units = split_units(plain(frames))
    norms = np.linalg.norm(units, axis=-1, keepdims=True)
    expected = np.reshape(units / (np.sqrt(3) * norms), (4, 15))
    np.testing.assert_allclose(shifting(frames), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("alpha_factor", "beta_factor", "sign"), [(7.0, 7.0, 1), (-1.0, 0.0, -1)]
)
def test_alpha_and_beta_count_by_their_ratio_and_sign(
    alpha_factor, beta_factor, sign
):
    frames = draw_frames(6)
    layer = make_layer("shifting")
    layer.beta.assign(layer.beta * bool(beta_factor))
    expected = sign * np.asarray(layer(frames))
    layer.alpha.assign(layer.alpha * alpha_factor)
    layer.beta.assign(layer.beta * beta_factor)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


def test_beta_alone_decides_where_alpha_is_zero():
    layer = make_layer("shifting")
    layer.alpha.assign(np.zeros(3))
    layer.beta.assign((2.0, -0.5, 1.0))
    expected = np.repeat([1.0, -1.0, 1.0], 5) / np.sqrt(15)
    pooled = layer(draw_frames(7))
    np.testing.assert_allclose(pooled, np.tile(expected, (4, 1)), atol=1e-6)


def test_a_unit_without_direction_gives_zeros_next_to_others():
    layer = make_layer("shifting")
    layer.alpha.assign((1.0, 0.0, 1.0))
    layer.beta.assign((1.0, 0.0, 1.0))
    norms = np.linalg.norm(split_units(layer(draw_frames(8))), axis=-1)
    expected = np.tile([3**-0.5, 0, 3**-0.5], (4, 1))
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
