"""Masks of clusters: explicit ones of any dtype, and those of Keras."""

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

each_cluster = pytest.mark.parametrize(
    "make_layer",
    [
        lambda: AttentionCluster(3, "average"),
        lambda: AttentionCluster(3, "fc1"),
        lambda: AttentionCluster(3, "fc2", hidden_units=4),
        lambda: ShiftingCluster(3, "average"),
        lambda: ShiftingCluster(3, "fc1"),
        lambda: ShiftingCluster(3, "fc2", hidden_units=4),
    ],
)


@each_cluster
@pytest.mark.parametrize("filler", [1.0, 1e30, np.nan, np.inf, -np.inf])
def test_masked_frames_equal_removed_frames(make_layer, filler):
    frames, mask = draw_frames(4), draw_mask(4)
    mask[2] = False
    layer = build_randomly(make_layer(), seed=0)
    units = units_of(weights_of(layer), 3)
    expected = reference.pool(frames, units, mask)
    frames[~mask] = filler
    pooled = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)
    assert not np.any(pooled[2])


@each_cluster
def test_an_integer_mask_is_a_bool_mask(make_layer):
    frames, mask = draw_frames(4), draw_mask(4)
    layer = build_randomly(make_layer(), seed=0)
    pooled = layer(frames, mask=mask.astype("int32"))
    np.testing.assert_array_equal(pooled, layer(frames, mask=mask))
    assert not np.allclose(pooled, layer(frames))


@each_cluster
def test_scores_of_masked_frames_are_zero(make_layer):
    frames, mask = draw_frames(6), draw_mask(6)
    mask[2] = False
    layer = build_randomly(make_layer(), seed=0)
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
