"""What a SavedModel takes and gives, by name, dtype and shape."""

import pytest

INPUTS = {
    "rgb": ["float32", [None, None, 5]],
    "rgb_num_frames": ["int32", [None]],
    "audio": ["float32", [None, None, 4]],
    "audio_num_frames": ["int32", [None]],
}
OUTPUTS = {
    "probabilities": ["float32", [None, 7]],
    "classes": ["string", [None, 3]],
    "scores": ["float32", [None, 3]],
    "rgb_attention": ["float32", [None, 3, None]],
    "audio_attention": ["float32", [None, 2, None]],
}


def test_the_inputs_are_the_models(served):
    assert served["five_clips"].signature["inputs"] == INPUTS


def test_the_outputs_are_as_documented(served):
    assert served["five_clips"].signature["outputs"] == OUTPUTS


def test_a_loaded_model_has_the_same_signature(served):
    expected = {"inputs": INPUTS, "outputs": OUTPUTS}
    assert served["loaded"].signature == expected


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_a_mixed_precision_model_has_the_same_signature(side, served):
    expected = {"inputs": INPUTS, "outputs": OUTPUTS}[side]
    assert served["mixed_bfloat16"].signature[side] == expected


def test_no_more_classes_are_named_than_there_are(served):
    outputs = served["all_classes"].signature["outputs"]
    assert outputs["classes"] == ["string", [None, 7]]
    assert outputs["scores"] == ["float32", [None, 7]]
