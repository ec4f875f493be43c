"""Signatures, outputs and the check of a SavedModel, without Keras."""

import types

import keras
import numpy as np
import pytest

from ac_keras import attention_model
from ac_keras import serving
from ac_keras.serving import saved_model_check
from support.serving.import_probe import imports_of
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import CLUSTERS
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import as_batches
from support.serving.served_classifier import draw_clips
from support.serving.served_classifier import make_classifier
from support.serving.served_classifier import make_mixed_classifier
from support.serving.served_classifier import make_nan_classifier
from support.serving.server_answers import answers_of
from support.serving.server_answers import outputs_of
from support.serving.server_answers import raw_predict

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
BATCHES = {
    "one_clip": (1, 3, 2),
    "five_clips": (5, 9, 4),
    "long_clips": (2, 40, 1),
}
each_batch = pytest.mark.parametrize("name", BATCHES)


@pytest.fixture(scope="module")
def served(model, version, tmp_path_factory):
    """By job: the `inputs` of a SavedModel, its outputs and `signatures`."""
    folder = tmp_path_factory.mktemp("served")
    model.save(folder / "model.keras")
    inputs = {name: draw_clips(*sizes) for name, sizes in BATCHES.items()}
    versions = dict.fromkeys(BATCHES, version)
    for name, source, top_k in (
        ("all_classes", model, 99),
        ("loaded", keras.models.load_model(folder / "model.keras"), 3),
        ("mixed_bfloat16", make_mixed_classifier(), 3),
    ):
        inputs[name] = inputs["five_clips"]
        versions[name] = serving.export_saved_model(
            source, folder / name, DESCRIPTION, top_k=top_k
        )
    keys = ("serving_default", "attention")
    answers, signatures = answers_of(
        {
            name: (path, [raw_predict(key, inputs[name]) for key in keys])
            for name, path in versions.items()
        }
    )
    return {
        name: types.SimpleNamespace(
            inputs=inputs[name],
            signatures=signatures[name],
            **dict(zip(keys, map(outputs_of, answers[name]), strict=True)),
        )
        for name in versions
    }


def named_classes(outputs):
    return [[x.decode() for x in row] for row in outputs["classes"]]


@each_batch
def test_probabilities_and_classes_best_first_are_the_models(
    name, served, model
):
    inputs, outputs = served[name].inputs, served[name].serving_default
    expected = model.predict_on_batch(inputs)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    assert expected.max() > 0.3
    best = np.argsort(-expected, axis=1)[:, :3]
    assert named_classes(outputs) == [
        [CLASS_NAMES[index] for index in row] for row in best
    ]
    scores = np.take_along_axis(expected, best, axis=1)
    np.testing.assert_allclose(outputs["scores"], scores, atol=1e-5)
    assert len(set(best[:, 0])) > 1 or name != "five_clips"


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


def test_all_classes_are_named_where_there_are_fewer_than_top_k(served):
    outputs = served["all_classes"].serving_default
    for row in named_classes(outputs):
        assert sorted(row) == sorted(CLASS_NAMES)
    assert (np.diff(outputs["scores"], axis=1) <= 0).all()
    np.testing.assert_allclose(outputs["scores"].sum(axis=1), 1, atol=1e-5)
    for key in SIGNATURES:
        specs = served["all_classes"].signatures[key]["outputs"]
        for name, dtype in (("classes", "string"), ("scores", "float32")):
            assert specs[name][0] == dtype and specs[name][1][1] == 7


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


def test_a_mixed_precision_model_gives_about_the_same(served):
    outputs = served["mixed_bfloat16"].serving_default["probabilities"]
    expected = served["five_clips"].serving_default["probabilities"]
    np.testing.assert_allclose(outputs, expected, atol=0.1)


@pytest.mark.parametrize("name", ["five_clips", "loaded", "mixed_bfloat16"])
def test_the_signatures_are_as_documented(name, served):
    assert served[name].signatures == SIGNATURES


CHECKED = (draw_clips(4, 6, 5, seed=1), draw_clips(3, 2, 1, seed=2))


def test_clips_without_a_frame_are_left_out_as_servers_reject_them(
    model, version
):
    inputs = {name: x.copy() for name, x in CHECKED[0].items()}
    for name in ("rgb_num_frames", "audio_num_frames"):
        inputs[name][[0, 2]] = 0
    nothing = draw_clips(2, 1, 1)
    nothing |= {x: np.zeros_like(nothing[x]) for x in nothing if x[-1] == "s"}
    classes = model.predict_on_batch(inputs).argmax(axis=1)
    batches = as_batches((nothing, [0, 0]), (inputs, classes))
    check = serving.check_saved_model(model, version, batches)
    assert (check.num_clips, check.accuracy) == (2, 1.0)


def one_batch():
    return as_batches((CHECKED[0], np.zeros(4)))


def test_the_right_saved_model_is_within_tolerance(model, version):
    guesses = [model.predict_on_batch(x).argmax(axis=1) for x in CHECKED]
    guesses[0][1] = (guesses[0][1] + 1) % len(CLASS_NAMES)
    guesses[1][2] = (guesses[1][2] + 1) % len(CLASS_NAMES)
    pairs = zip(CHECKED, guesses, strict=True)
    check = serving.check_saved_model(model, version, as_batches(*pairs))
    assert check.num_clips == 7
    assert check.accuracy == pytest.approx(5 / 7)
    assert 0 <= check.max_difference <= 1e-5


def test_other_weights_are_rejected_however_alike(version):
    other = make_classifier()
    kernel, bias = other.get_layer("logits").get_weights()
    bias[0] += 1e-3
    other.get_layer("logits").set_weights([kernel, bias])
    message = "(?s)Expected .* model's probabilities .*Received: a difference"
    with pytest.raises(RuntimeError, match=message):
        serving.check_saved_model(other, version, one_batch())


def test_a_saved_model_or_model_that_gives_nan_is_rejected(
    model, version, tmp_path
):
    broken = make_nan_classifier()
    with pytest.raises(RuntimeError, match="a difference of nan"):
        serving.check_saved_model(broken, version, one_batch())
    version = serving.export_saved_model(broken, tmp_path, DESCRIPTION)
    with pytest.raises(RuntimeError, match="gives NaN for the clips"):
        serving.check_saved_model(model, version, one_batch())


def test_the_message_of_a_failing_process_is_reported(model, tmp_path):
    message = "(?s)Received: exit status 1 .*SavedModel file does not exist"
    with pytest.raises(RuntimeError, match=message):
        serving.check_saved_model(model, tmp_path / "none", one_batch())


def test_the_process_can_import_neither_ac_keras_nor_keras(tmp_path):
    command = saved_model_check.PROGRAM, "model", "folder"
    assert imports_of(tmp_path, "tensorflow", *command) == "imported ['json']"
