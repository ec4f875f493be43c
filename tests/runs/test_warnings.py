"""Warnings about runs that ended without an error, but not well."""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import cluster_classifier
from ac_keras.runs.warnings import training_warnings
from ac_keras.visualization.attention_maps import attention_evenness

FALLING = [{"epoch": i, "val_loss": 0.5**i} for i in range(20)]
FLAT = [{"epoch": i, "val_loss": max(0.5**i, 0.1)} for i in range(20)]


def make_model(weighting="fc1", **kwargs):
    cluster = AttentionCluster(2, weighting, name="rgb")
    return cluster_classifier({"rgb": 4}, {"rgb": cluster}, 3, **kwargs)


def draw_features(scale):
    frames = np.random.default_rng(0).normal(0, scale, (5, 6, 4))
    num_frames = np.array([6, 3, 1, 0, 2], "int32")
    return {"rgb": frames.astype("float32"), "rgb_num_frames": num_frames}


@pytest.mark.parametrize(
    "scale, weighting, warned",
    [(1e-3, "fc1", True), (30.0, "fc1", False), (1e-3, "average", False)],
)
def test_even_attention_of_units_that_could_choose_is_named(
    scale, weighting, warned
):
    found = training_warnings(make_model(weighting), draw_features(scale), FLAT)
    assert len(found) == warned
    assert not warned or "rgb stayed even" in found[0]
    assert not warned or "--standardize=scale" in found[0]


def test_where_frames_are_standardized_the_advice_is_another():
    model = make_model(standardize="scale")
    features = draw_features(1e-3)
    (found,) = training_warnings(model, features, FLAT)
    assert "--epochs" in found and "--standardize" not in found


@pytest.mark.parametrize("history, warned", [(FALLING, True), (FLAT, False)])
def test_a_loss_that_still_falls_is_named(history, warned):
    found = training_warnings(make_model(), draw_features(30.0), history)
    assert len(found) == warned
    assert not warned or "last 2 of 20 epochs" in found[0]
    assert not training_warnings(
        make_model(), draw_features(30.0), history[-1:]
    )


def test_evenness_is_the_entropy_of_the_frames_that_are_there():
    even = np.array([[0.25] * 4 + [0.0], [0.5, 0.5, 0, 0, 0]])
    assert attention_evenness(even) == pytest.approx(1)
    assert attention_evenness(np.eye(3)) == 0
    weights = np.array([[0.9, 0.1, 0.0]])
    expected = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1)) / np.log(2)
    assert attention_evenness(weights) == pytest.approx(expected)
