"""attention_model: a cluster classifier that shows its attention."""

import numpy as np
import pytest

from ac_keras import attention_model
from support.models.small_classifier import CLUSTERS
from support.models.small_classifier import COUNTS
from support.models.small_classifier import LENGTHS
from support.models.small_classifier import draw_inputs
from support.models.small_classifier import make_classifier
from support.models.small_classifier import mask_of
from support.models.small_classifier import predict
from support.models.small_classifier import save_and_load

each_state = pytest.mark.parametrize("state", ["new", "loaded"])


def new_or_loaded(state, folder):
    model = make_classifier()
    return save_and_load(model, folder) if state == "loaded" else model


@each_state
def test_the_attention_model_gives_the_same_probabilities(state, tmp_path):
    model, inputs = new_or_loaded(state, tmp_path), draw_inputs()
    outputs = predict(attention_model(model), inputs)
    expected = predict(model, inputs)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-6)
    assert np.ptp(expected, axis=0).max() > 0.05


@each_state
def test_the_attention_model_gives_every_modalitys_scores(state, tmp_path):
    model, inputs = new_or_loaded(state, tmp_path), draw_inputs()
    outputs = predict(attention_model(model), inputs)
    assert set(outputs) == {
        "probabilities",
        "rgb_attention",
        "audio_attention",
    }
    for name, num_units in CLUSTERS.items():
        scores = outputs[f"{name}_attention"]
        assert scores.shape == (4, num_units, LENGTHS[name])
        assert not np.moveaxis(scores, 1, 2)[~mask_of(name)].any()
        total = np.minimum(COUNTS[name], 1)[:, None]  # Nothing, if absent.
        np.testing.assert_allclose(
            scores.sum(-1), np.tile(total, (1, num_units)), atol=1e-6
        )


@each_state
def test_the_attention_model_shares_the_weights(state, tmp_path):
    model, inputs = new_or_loaded(state, tmp_path), draw_inputs()
    attention = attention_model(model)
    before = predict(attention, inputs)["probabilities"]
    assert {id(w) for w in attention.weights} == {id(w) for w in model.weights}
    model.set_weights([-w for w in model.get_weights()])
    after = predict(attention, inputs)["probabilities"]
    np.testing.assert_allclose(after, predict(model, inputs), atol=1e-6)
    assert np.abs(after - before).max() > 1e-2


@each_state
def test_the_classifier_still_saves_after_its_attention_model(state, tmp_path):
    model, inputs = new_or_loaded(state, tmp_path), draw_inputs()
    expected = predict(model, inputs)
    attention_model(model)
    attention_model(model)
    loaded = save_and_load(model, tmp_path)
    np.testing.assert_array_equal(predict(loaded, inputs), expected)


def test_the_attention_model_can_be_saved_itself(tmp_path):
    attention, inputs = attention_model(make_classifier()), draw_inputs()
    expected = predict(attention, inputs)
    outputs = predict(save_and_load(attention, tmp_path), inputs)
    for name, output in outputs.items():
        np.testing.assert_array_equal(output, expected[name])
    assert len(outputs) == 3
