"""MultimodalCluster: a cluster for each modality, side by side."""

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import MultimodalCluster
from ac_keras import ShiftingCluster
from support.layers import reference
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.random_clips import randomize

DIMS = {"rgb": 5, "audio": 4, "flow": 3}
UNITS = {"rgb": 3, "audio": 2, "flow": 4}
MEAN = (0.5, -1.0, 2.0, 0.25)
RGB, AUDIO, FLOW = slice(0, 15), slice(15, 23), slice(23, 35)


def make_clusters(**kwargs):
    layer = MultimodalCluster(UNITS, **kwargs)
    layer.build({name: (None, None, dim) for name, dim in DIMS.items()})
    return randomize(layer, seed=0)


def draw_clips(seed=0):
    lengths = {"rgb": 6, "audio": 4, "flow": 7}
    return {
        name: draw_frames(seed, num_frames=lengths[name], dim=dim)
        for name, dim in DIMS.items()
    }


def draw_masks(seed=1):
    return {
        name: draw_mask(seed, num_frames=frames.shape[1])
        for name, frames in draw_clips().items()
    }


def reference_pool(layer, frames, mask=None):
    mask = mask or {}
    pooled = [
        reference.pool_like(cluster, frames[name], mask.get(name))
        for name, cluster in layer.clusters.items()
    ]
    return np.concatenate(pooled, axis=1)


def test_a_modality_without_a_mask_keeps_all_frames():
    layer, frames = make_clusters(), draw_clips()
    mask = {"audio": draw_masks()["audio"]}
    expected = reference_pool(layer, frames, mask)
    pooled = layer(frames, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)


def test_the_order_of_the_input_dict_does_not_matter():
    layer, frames = make_clusters(), draw_clips()
    backwards = dict(reversed(frames.items()))
    np.testing.assert_array_equal(layer(backwards), layer(frames))
    np.testing.assert_allclose(np.linalg.norm(layer(frames), axis=1), 3**0.5)


def test_numbers_and_layers_pool_side_by_side():
    given = AttentionCluster(2, "fc2", hidden_units=4)
    layer = MultimodalCluster({"rgb": 3, "audio": given})
    assert layer.clusters["audio"] is given
    made = layer.clusters["rgb"]
    assert (type(made), made.num_units) == (ShiftingCluster, 3)
    frames = draw_clips()
    del frames["flow"]
    layer(frames)
    randomize(layer, seed=3)
    expected = reference_pool(layer, frames)
    np.testing.assert_allclose(layer(frames), expected, atol=1e-5)


def test_a_number_makes_a_cluster_of_the_same_dtype_policy():
    layer = MultimodalCluster({"rgb": 3}, dtype="mixed_bfloat16")
    assert layer.clusters["rgb"].dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("own", "given"),
    [("mixed_bfloat16", "float32"), ("float32", "mixed_bfloat16")],
)
def test_the_output_has_the_compute_dtype_whatever_the_clusters(own, given):
    clusters = {name: ShiftingCluster(2, dtype=given) for name in DIMS}
    layer = MultimodalCluster(clusters, dtype=own)
    frames = draw_clips()
    dtype = keras.backend.standardize_dtype(layer(frames).dtype)
    assert dtype == symbolic_dtype(layer, frames) == layer.compute_dtype


def symbolic_dtype(layer, frames):
    inputs = {name: keras.Input(x.shape[1:]) for name, x in frames.items()}
    return layer(inputs).dtype


def test_the_mean_stands_in_where_the_batch_has_no_frame_at_all():
    layer = make_clusters(mean_features={"audio": MEAN})
    frames, mask = draw_clips(), draw_masks()
    frames["audio"] = frames["audio"][:, :0]
    mask["audio"] = mask["audio"][:, :0]
    pooled = layer(frames, mask=mask)
    alone = np.asarray(layer.clusters["audio"](np.array([[MEAN]])))
    expected = np.tile(alone, (4, 1))
    np.testing.assert_allclose(pooled[:, AUDIO], expected, atol=1e-6)


def test_the_mean_is_not_used_without_a_mask():
    frames = draw_clips()
    layer = make_clusters(mean_features={"audio": MEAN})
    expected = make_clusters()(frames)
    np.testing.assert_array_equal(layer(frames), expected)
    assert np.abs(expected).max() > 0.1
