"""What a SavedModel says in a process without ac_keras and keras."""

import numpy as np
import pytest

from ac_keras import attention_model
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import CLUSTERS

pytestmark = [pytest.mark.programs, pytest.mark.versions]

each_batch = pytest.mark.parametrize(
    "name", ["one_clip", "five_clips", "long_clips"]
)


def named_classes(outputs):
    return [[x.decode() for x in row] for row in outputs["classes"]]


@each_batch
def test_the_probabilities_are_the_models(name, served, model):
    inputs, outputs = served[name].inputs, served[name].serving_default
    expected = model.predict_on_batch(inputs)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    assert expected.max() > 0.3


@each_batch
def test_the_attention_is_the_attention_models(name, served, model):
    inputs, outputs = served[name].inputs, served[name].attention
    expected = attention_model(model).predict_on_batch(inputs)
    for modality, num_units in CLUSTERS.items():
        scores = outputs[f"{modality}_attention"]
        batch, num_frames, _ = inputs[modality].shape
        assert scores.shape == (batch, num_units, num_frames)
        np.testing.assert_allclose(
            scores, expected[f"{modality}_attention"], atol=1e-5
        )
        some = np.minimum(inputs[f"{modality}_num_frames"], 1)[:, None]
        np.testing.assert_allclose(
            scores.sum(axis=2), np.tile(some, num_units), atol=1e-5
        )


@each_batch
def test_the_classes_are_the_most_probable_best_first(name, served, model):
    inputs, outputs = served[name].inputs, served[name].serving_default
    probabilities = model.predict_on_batch(inputs)
    best = np.argsort(-probabilities, axis=1)[:, :3]
    assert named_classes(outputs) == [
        [CLASS_NAMES[index] for index in row] for row in best
    ]
    expected = np.take_along_axis(probabilities, best, axis=1)
    np.testing.assert_allclose(outputs["scores"], expected, atol=1e-5)


def test_clips_are_named_unlike_classes(served):
    first = {
        row[0] for row in named_classes(served["five_clips"].serving_default)
    }
    assert len(first) > 1


def test_all_classes_are_named_where_there_are_fewer_than_top_k(served):
    outputs = served["all_classes"].serving_default
    for row in named_classes(outputs):
        assert sorted(row) == sorted(CLASS_NAMES)
    assert (np.diff(outputs["scores"], axis=1) <= 0).all()
    np.testing.assert_allclose(outputs["scores"].sum(axis=1), 1, atol=1e-5)


def test_an_absent_modality_gives_no_attention_and_no_trace(served, model):
    inputs = dict(served["five_clips"].inputs)
    outputs = served["five_clips"].attention
    absent = inputs["audio_num_frames"] == 0
    assert absent.tolist() == [False] * 4 + [True]
    assert not outputs["audio_attention"][absent].any()
    inputs["audio"] = np.zeros_like(inputs["audio"])
    expected = model.predict_on_batch(inputs)
    gap = np.abs(outputs["probabilities"] - expected).max(axis=1)
    assert gap[absent] < 1e-5 and (gap[~absent] > 1e-3).all()


def test_a_loaded_model_exports_the_same(served):
    outputs = served["loaded"].attention
    expected = served["five_clips"].attention
    assert set(outputs) == set(expected)
    assert named_classes(outputs) == named_classes(expected)
    for name in set(outputs) - {"classes"}:
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-6)


def test_a_mixed_precision_model_says_about_the_same(served):
    outputs = served["mixed_bfloat16"].serving_default["probabilities"]
    expected = served["five_clips"].serving_default["probabilities"]
    np.testing.assert_allclose(outputs, expected, atol=0.1)
