"""Plots of predicted media files."""

import numpy as np
import pytest

from ac_keras.extraction.inputs.clip_inputs import ClipInputs
from ac_keras.extraction.inputs.optical_flow import encode_flow
from ac_keras.extraction.plan import FlowPlan
from ac_keras.prediction import media_files
from ac_keras.prediction.clip_predictor import ClipPrediction
from ac_keras.prediction.media_files import plot_names
from support.media.extracted_media import PLAN

STARTS = {"rgb": 0.05, "flow": 0.05, "audio": 0.0}
STEPS = {"rgb": 0.1, "flow": 0.1, "audio": 0.96}


@pytest.fixture
def drawn(monkeypatch):
    """Collects the arguments of `save_clip_explanation`."""
    handed = []
    monkeypatch.setattr(
        media_files,
        "save_clip_explanation",
        lambda *arguments: handed.append(arguments),
    )
    return handed


def make_prediction(counts, sampled=None):
    """A prediction of so many frames of each modality."""
    rng = np.random.default_rng(0)
    arrays, times = {}, {}
    for name, count in counts.items():
        if count:
            plan = PLAN.modalities[name]
            values = rng.integers(0, 256, (count, *plan.input_shape))
            arrays[name] = values.astype(plan.input_dtype)
            times[name] = STARTS[name] + STEPS[name] * np.arange(count)
    sampled = sampled or {name: np.arange(n) for name, n in counts.items()}
    attention = {name: np.ones((2, len(x))) for name, x in sampled.items()}
    inputs = ClipInputs(arrays, times)
    classes, scores = ("cat", "dog"), (0.7, 0.3)
    return ClipPrediction(
        "folder/a.mp4", classes, scores, (), PLAN, inputs, attention, sampled
    )


def test_the_file_and_its_classes_are_handed_over(drawn):
    prediction = make_prediction({"rgb": 3, "flow": 3, "audio": 2})
    media_files.save_clip_plot(prediction, "a.png")
    ((title, predictions, modalities, path),) = drawn
    assert (title, path) == ("a.mp4", "a.png")
    assert predictions == [("cat", 0.7), ("dog", 0.3)]
    assert [(x.name, x.kind) for x in modalities] == [
        ("rgb", "images"),
        ("flow", "flow"),
        ("audio", "bands"),
    ]


def test_frames_that_the_model_did_not_receive_are_not_drawn(drawn):
    counts = {"rgb": 5, "flow": 0, "audio": 3}
    sampled = {name: np.arange(n)[1::2] for name, n in counts.items()}
    prediction = make_prediction(counts, sampled)
    media_files.save_clip_plot(prediction, "a.png")
    rgb, flow, audio = drawn[0][2]
    np.testing.assert_array_equal(
        rgb.content, prediction.inputs.arrays["rgb"][[1, 3]]
    )
    np.testing.assert_allclose(rgb.spans, [[0.05, 0.25], [0.25, 0.45]])
    assert flow.is_absent
    np.testing.assert_allclose(audio.spans, [[0.96, 1.92]])
    assert audio.content.shape == (3 * 96, 64)  # what was heard, all of it
    np.testing.assert_allclose(audio.content_span, (0, 2.88))


def test_a_clip_of_one_frame_lasts_as_long_as_its_audio(drawn, monkeypatch):
    monkeypatch.setitem(STARTS, "rgb", 0.0)
    for num_patches, end in [(3, 2.88), (0, 1.0)]:
        counts = {"rgb": 1, "flow": 0, "audio": num_patches}
        media_files.save_clip_plot(make_prediction(counts), "a.png")
        rgb = drawn.pop()[2][0]
        np.testing.assert_allclose(rgb.spans, [[0, end]])


@pytest.mark.parametrize(
    "times, edges",
    [
        ([0.5, 1.5, 2.5], [0, 1, 2, 3]),  # middles of intervals
        ([0, 1, 2], [0, 1, 2, 3]),  # from the beginning on
        ([0.5, 1.5, 3.5], [0, 1, 2.5, 4.25]),
        ([0.1, 1.1], [0, 0.6, 1.6]),
        ([1.2], [0, 2.4]),
        ([0], [0, 7]),
        ([0, 0, 1], [0, 0, 1, 1.5]),  # of a broken file
    ],
)
def test_a_frame_stands_for_the_time_around_it(times, edges):
    spans = media_files.shown_spans(np.array(times, float), 7.0)
    np.testing.assert_allclose(spans[:, 0], edges[:-1])
    np.testing.assert_allclose(spans[:, 1], edges[1:])


def test_the_flow_of_a_stack_is_averaged():
    flow = np.zeros((2, 4, 4, 4), np.float32)
    flow[0, ..., 0::2], flow[0, ..., 1::2] = 2.0, -1.0
    flow[0, ..., 2] = 4.0
    plan = FlowPlan(4, 4, stack_length=2)
    mean = media_files.mean_flow(encode_flow(flow), plan)
    assert mean.shape == (2, 4, 4, 2)
    np.testing.assert_allclose(mean[0, 0, 0], [3.0, -1.0], atol=0.1)
    assert not mean[1].any()  # What is still has no flow.


def test_patches_that_overlap_become_one_spectrogram():
    whole = np.random.default_rng(0).normal(size=(96 + 24, 64))
    patches = np.stack([whole[:96], whole[24:]])
    bands, span = media_files.join_patches(patches, np.array([-0.1, 0.14]))
    np.testing.assert_array_equal(bands, whole)
    np.testing.assert_allclose(span, (-0.1, 1.1))


def test_between_patches_that_lie_apart_nothing_is_known():
    bands, _ = media_files.join_patches(
        np.ones((2, 96, 64)), np.array([0.0, 1.0])
    )
    assert np.isnan(bands[96:100]).all()
    assert (bands[:96] == 1).all() and (bands[100:] == 1).all()


def test_frames_of_files_of_one_name_are_numbered():
    paths = ["a/x.mp4", "b/x.mp4", "y.mp4", "c/x.mp4"]
    names = ["x.mp4.png", "x.mp4-2.png", "y.mp4.png", "x.mp4-3.png"]
    assert plot_names(paths) == names


def test_a_frame_of_the_longest_name_can_be_written(tmp_path):
    (name,) = plot_names(["\u4e2d" * 85])  # 255 bytes
    (tmp_path / f".{name}.1234567.partial").touch()
