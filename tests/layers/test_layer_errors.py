"""Error messages of the layers for invalid arguments and inputs."""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import FrameMask
from ac_keras import MultimodalCluster
from ac_keras import ShiftingCluster
from support.error_parts import error_parts
from support.layers.random_clips import draw_frames

MODALITIES = "['rgb', 'audio', 'flow']"
WEIGHTINGS = "('average', 'fc1', 'fc2')"


@pytest.mark.parametrize("cluster", [AttentionCluster, ShiftingCluster])
@pytest.mark.parametrize("argument", ["num_units", "hidden_units"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "8", None])
def test_sizes_are_integers_of_one_or_more(cluster, argument, value):
    message = error_parts(
        f"{argument} to be an integer of 1 or more",
        f"{argument}={value!r}",
        ". ",
    )
    with pytest.raises(ValueError, match=message):
        cluster(**{"num_units": 2, argument: value})


@pytest.mark.parametrize(
    "make",
    [
        lambda weighting: AttentionCluster(2, weighting),
        lambda weighting: ShiftingCluster(2, weighting),
        lambda weighting: AttentionUnit(weighting),
    ],
)
def test_an_unknown_weighting_is_named_with_the_known_ones(make):
    message = error_parts(WEIGHTINGS, "weighting='fc3'", "")
    with pytest.raises(ValueError, match=message):
        make("fc3")


@pytest.mark.parametrize(
    "call",
    [
        lambda clip: AttentionCluster(2)(clip),
        lambda clip: ShiftingCluster(2)(clip),
        lambda clip: AttentionUnit()(clip),
        lambda clip: FrameMask()(clip, np.array([1])),
        lambda clip: MultimodalCluster({"rgb": 2})({"rgb": clip}),
    ],
)
def test_a_clip_without_batch_axis_is_told_how_to_get_one(call):
    message = error_parts(
        "(batch, num_frames, dim)", "shape=(6, 5)", "frames[None]"
    )
    with pytest.raises(ValueError, match=message):
        call(draw_frames(0)[0])


def test_frames_of_four_axes_are_named():
    frames = np.ones((2, 6, 5, 3), "float32")
    message = error_parts("(batch, num_frames, dim)", "(2, 6, 5, 3)", ". ")
    with pytest.raises(ValueError, match=message):
        AttentionCluster(2)(frames)


def test_an_unknown_dim_is_told_to_be_given():
    message = error_parts(
        "last dimension is known",
        "shape=(None, None, None)",
        "keras.Input((None, 1024))",
    )
    with pytest.raises(ValueError, match=message):
        AttentionCluster(2).build((None, None, None))


def test_integer_frames_are_told_to_be_converted():
    frames = np.ones((2, 6, 5), "uint8")
    message = error_parts("floating", "dtype=uint8", "Convert them")
    with pytest.raises(ValueError, match=message):
        AttentionCluster(2)(frames)


@pytest.mark.parametrize(
    "make_layer", [lambda: AttentionCluster(2), AttentionUnit]
)
@pytest.mark.parametrize("shape", [(4,), (4, 5), (3, 6), (4, 6, 1)])
def test_a_mask_of_another_shape_points_to_frame_mask(make_layer, shape):
    message = error_parts(
        "(batch, num_frames) = (4, 6)", f"shape={shape}", "FrameMask"
    )
    with pytest.raises(ValueError, match=message):
        make_layer()(draw_frames(0), mask=np.ones(shape, bool))


def make_clusters(**kwargs):
    return MultimodalCluster({"rgb": 3, "audio": 2, "flow": 4}, **kwargs)


def draw_clips():
    return {name: draw_frames(0) for name in ("rgb", "audio", "flow")}


def test_no_modality_at_all_is_told_what_to_give():
    message = error_parts("at least one modality", "clusters={}", '{"rgb": 64')
    with pytest.raises(ValueError, match=message):
        MultimodalCluster({})


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_modalities_that_do_not_fit_are_named(change):
    frames = draw_clips()
    if change == "missing":
        del frames["audio"]
    else:
        frames["depth"] = frames["rgb"]
    message = error_parts(MODALITIES, str(sorted(frames)), "fully masked")
    with pytest.raises(ValueError, match=message):
        make_clusters()(frames)


def test_frames_that_are_no_dict_are_named():
    message = error_parts("a dict of frames", "", "fully masked")
    with pytest.raises(ValueError, match=message):
        MultimodalCluster({"rgb": 2})(draw_frames(0))


def test_a_mask_of_an_unknown_modality_is_named():
    message = error_parts(MODALITIES, "['depth']", ". ")
    with pytest.raises(ValueError, match=message):
        make_clusters()(draw_clips(), mask={"depth": np.ones((4, 6), bool)})


def test_a_mask_that_is_no_dict_is_named():
    message = error_parts("a dict", "", ". ")
    with pytest.raises(ValueError, match=message):
        make_clusters()(draw_clips(), mask=np.ones((4, 6), bool))


def test_a_mean_feature_of_an_unknown_modality_is_named():
    message = error_parts("['rgb']", "['depth']", ". ")
    with pytest.raises(ValueError, match=message):
        MultimodalCluster({"rgb": 2}, mean_features={"depth": np.ones(4)})


def test_a_mean_feature_of_another_dim_is_named():
    message = error_parts("'rgb' in shape (5,)", "shape=(4,)", ". ")
    with pytest.raises(ValueError, match=message):
        make_clusters(mean_features={"rgb": np.ones(4)})(draw_clips())
