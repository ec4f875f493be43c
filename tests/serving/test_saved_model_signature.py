"""What a SavedModel takes and gives, by name, dtype and shape."""

import pytest

pytestmark = [pytest.mark.programs, pytest.mark.versions]

PREDICT, CLASSIFY = (f"tensorflow/serving/{x}" for x in ("predict", "classify"))
DENSE = {
    "rgb": ["float32", [None, None, 5]],
    "rgb_num_frames": ["int32", [None]],
    "audio": ["float32", [None, None, 4]],
    "audio_num_frames": ["int32", [None]],
}
BEST = {"classes": ["string", [None, 3]], "scores": ["float32", [None, 3]]}
ANSWER = {**BEST, "probabilities": ["float32", [None, 7]]}
SIGNATURES = {
    "serving_default": {"method": PREDICT, "inputs": DENSE, "outputs": ANSWER},
    "attention": {
        "method": PREDICT,
        "inputs": DENSE,
        "outputs": {
            **ANSWER,
            "rgb_attention": ["float32", [None, 3, None]],
            "audio_attention": ["float32", [None, 2, None]],
        },
    },
    "predict_frames": {
        "method": PREDICT,
        "inputs": {
            "rgb": ["float32", [None, 5]],
            "audio": ["float32", [None, 4]],
        },
        "outputs": {
            k: [dtype, [1, n]] for k, (dtype, [_, n]) in ANSWER.items()
        },
    },
    "from_examples": {
        "method": PREDICT,
        "inputs": {"examples": ["string", [None]]},
        "outputs": ANSWER,
    },
    "classify": {
        "method": CLASSIFY,
        "inputs": {"inputs": ["string", [None]]},
        "outputs": BEST,
    },
}


@pytest.mark.parametrize("name", ["five_clips", "loaded", "mixed_bfloat16"])
def test_the_signatures_are_as_documented(name, served):
    assert served[name].signatures == SIGNATURES


@pytest.mark.parametrize("signature", SIGNATURES)
def test_no_more_classes_are_named_than_there_are(signature, served):
    outputs = served["all_classes"].signatures[signature]["outputs"]
    for name, dtype in (("classes", "string"), ("scores", "float32")):
        assert outputs[name][0] == dtype and outputs[name][1][1] == 7
