"""check_saved_model: whether a SavedModel stands by itself and is right."""

import numpy as np
import pytest

from ac_keras import serving
from ac_keras.serving import saved_model_check
from support.serving.import_probe import imports_of
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import as_batches
from support.serving.served_classifier import draw_clips
from support.serving.served_classifier import make_classifier
from support.serving.served_classifier import make_nan_classifier

pytestmark = [pytest.mark.programs, pytest.mark.versions]

INPUTS = (draw_clips(4, 6, 5, seed=1), draw_clips(3, 2, 1, seed=2))


def test_clips_without_a_frame_are_left_out_as_servers_reject_them(
    model, version
):
    inputs = {name: x.copy() for name, x in INPUTS[0].items()}
    for name in ("rgb_num_frames", "audio_num_frames"):
        inputs[name][[0, 2]] = 0
    nothing = draw_clips(2, 1, 1)
    nothing |= {x: np.zeros_like(nothing[x]) for x in nothing if x[-1] == "s"}
    classes = model.predict_on_batch(inputs).argmax(axis=1)
    batches = as_batches((nothing, [0, 0]), (inputs, classes))
    check = serving.check_saved_model(model, version, batches)
    assert (check.num_clips, check.accuracy) == (2, 1.0)


def one_batch():
    return as_batches((INPUTS[0], np.zeros(4)))


def test_the_right_saved_model_is_within_tolerance(model, version):
    guesses = [model.predict_on_batch(x).argmax(axis=1) for x in INPUTS]
    guesses[0][1] = (guesses[0][1] + 1) % len(CLASS_NAMES)
    guesses[1][2] = (guesses[1][2] + 1) % len(CLASS_NAMES)
    pairs = zip(INPUTS, guesses, strict=True)
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
