"""Masked frames of a cluster: they are as good as removed."""

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import MultimodalCluster
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.unit_weights import units_of
from support.layers.unit_weights import weights_of

each_weighting = pytest.mark.parametrize("weighting", ["average", "fc1", "fc2"])


def make_cluster(weighting):
    layer = AttentionCluster(3, weighting, hidden_units=4)
    return build_randomly(layer, seed=0)


def reference_units(layer):
    return units_of(weights_of(layer), layer.num_units)


@each_weighting
@pytest.mark.parametrize("filler", [1.0, 1e30, np.nan, np.inf, -np.inf])
def test_masked_frames_equal_removed_frames(weighting, filler):
    frames, mask = draw_frames(3), draw_mask(3)
    layer = make_cluster(weighting)
    frames[~mask] = filler
    pooled = layer(frames, mask=mask)
    for i, keep in enumerate(mask):
        alone = layer(frames[i : i + 1, keep])
        np.testing.assert_allclose(pooled[i], alone[0], atol=1e-6)
        assert np.abs(alone).max() > 0.1


@each_weighting
@pytest.mark.parametrize("filler", [0.0, np.nan, np.inf])
def test_a_mask_pools_as_the_paper_says_of_the_kept_frames(weighting, filler):
    frames, mask = draw_frames(4), draw_mask(4)
    layer = make_cluster(weighting)
    expected = reference.pool(frames, reference_units(layer), mask)
    frames[~mask] = filler
    pooled = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)


@each_weighting
def test_an_integer_mask_is_a_bool_mask(weighting):
    frames, mask = draw_frames(4), draw_mask(4)
    layer = make_cluster(weighting)
    pooled = layer(frames, mask=mask.astype("int32"))
    np.testing.assert_array_equal(pooled, layer(frames, mask=mask))
    assert not np.allclose(pooled, layer(frames))


@each_weighting
def test_a_clip_without_frames_gives_zeros_and_leaves_the_others(weighting):
    frames, mask = draw_frames(5), draw_mask(5)
    mask[2] = False
    frames[2] = np.nan
    layer = make_cluster(weighting)
    pooled = layer(frames, mask=mask)
    expected = reference.pool(frames, reference_units(layer), mask)
    assert not np.any(pooled[2])
    np.testing.assert_allclose(pooled, expected, atol=1e-5)


@each_weighting
def test_scores_of_masked_frames_are_zero(weighting):
    frames, mask = draw_frames(6), draw_mask(6)
    mask[2] = False
    layer = make_cluster(weighting)
    _, scores = layer(frames, mask=mask, return_attention_scores=True)
    by_frame = np.moveaxis(np.asarray(scores), 1, 2)  # (batch, frame, unit)
    assert not by_frame[~mask].any()
    assert by_frame[mask].all()


@pytest.mark.parametrize(
    "make_layer",
    [lambda: AttentionCluster(3), lambda: ShiftingCluster(3), AttentionUnit],
    ids=["cluster", "shifting", "unit"],
)
def test_the_implicit_mask_of_a_masking_layer_is_honoured(make_layer):
    layer = build_randomly(make_layer(), seed=0)
    frames, mask = draw_frames(7), draw_mask(7)
    frames[~mask] = 2
    masked = keras.layers.Masking(2.0)(frames)
    expected = layer(frames, mask=mask)
    np.testing.assert_array_equal(layer(masked), expected)
    assert not np.allclose(layer(frames), expected, atol=1e-2)


def test_the_implicit_mask_is_honoured_in_a_model():
    frames, mask = draw_frames(8), draw_mask(8)
    frames[~mask] = 2
    layer = build_randomly(ShiftingCluster(3), seed=0)
    model = keras.Sequential(
        [keras.Input((None, 5)), keras.layers.Masking(2.0), layer]
    )
    expected = layer(frames, mask=mask)
    pooled = model.predict(frames, verbose=0)
    np.testing.assert_allclose(pooled, expected, atol=1e-6)


def test_implicit_masks_are_honoured_modality_by_modality():
    frames, mask = draw_frames(9), draw_mask(9)
    frames[~mask] = 2
    layer = MultimodalCluster({"rgb": 3, "audio": 2})
    masked = {"rgb": keras.layers.Masking(2.0)(frames), "audio": frames}
    expected = layer({"rgb": frames, "audio": frames}, mask={"rgb": mask})
    np.testing.assert_array_equal(layer(masked), expected)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize(
    "make_layer",
    [
        lambda: AttentionCluster(3),
        AttentionUnit,
        lambda: MultimodalCluster({"rgb": 3}),
    ],
    ids=["cluster", "unit", "multimodal"],
)
def test_an_implicit_mask_gives_no_warning(make_layer, recwarn):
    masked = keras.layers.Masking(2.0)(draw_frames(10))
    layer = make_layer()
    if isinstance(layer, MultimodalCluster):
        masked = {"rgb": masked}
    assert np.abs(layer(masked)).max() > 0.1
    assert not [w for w in recwarn if "mask" in str(w.message)]


def test_no_mask_leaves_a_cluster():
    inputs = keras.layers.Masking(2.0)(keras.Input((None, 5)))
    pooled = ShiftingCluster(3)(inputs)
    assert getattr(pooled, "_keras_mask", None) is None
    assert ShiftingCluster(3).compute_mask(inputs, mask=True) is None
