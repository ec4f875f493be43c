"""What MultimodalCluster says to modalities that do not fit."""

import numpy as np
import pytest

from ac_keras import MultimodalCluster
from support.error_parts import error_parts
from support.layers.random_clips import draw_frames

MODALITIES = "['rgb', 'audio', 'flow']"


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
