"""Signatures that take one clip or records, warm-up requests and assets."""

import json
import types

import numpy as np
import pytest

from ac_keras import serving
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from support.records.external_records import dequantise
from support.records.external_records import equal_intervals
from support.records.external_records import media_record
from support.requests.good_requests import VIDEOS
from support.requests.good_requests import as_examples
from support.requests.good_requests import as_sequences
from support.requests.good_requests import scaled
from support.requests.good_requests import serialized
from support.requests.good_requests import whole_clips
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import DIMS
from support.serving.served_classifier import expect_probabilities
from support.serving.server_answers import answers_of
from support.serving.server_answers import outputs_of
from support.serving.server_answers import raw_classify
from support.serving.server_answers import raw_predict
from support.serving.server_answers import read_warm_up

pytestmark = [pytest.mark.programs, pytest.mark.versions]

LENGTHS = ((6, 3), (1, 1), (9, 0), (0, 4))  # of rgb and audio
WHOLE = whole_clips(np.random.default_rng(3), LENGTHS)
CLIPS = scaled(WHOLE)  # in numbers that every format holds exactly
SAMPLED = [
    {name: x[equal_intervals(len(x), 2)] for name, x in clip.items()}
    for clip in CLIPS
]
FLOATS = Description(
    "sequences",
    CLASS_NAMES,
    {name: Modality(dim) for name, dim in DIMS.items()},
    record_format="mediasequence",
)


def as_float_sequences(clips):
    """Serialized SequenceExamples, a modality without frames left out."""
    rng = np.random.default_rng(0)
    return [
        media_record(
            rng, "a", [], {n.upper(): x for n, x in clip.items() if len(x)}
        )
        for clip in clips
    ]


@pytest.fixture(scope="module")
def answers(model, version, tmp_path_factory):
    """By job: outputs of requests of the same clips."""
    folder = tmp_path_factory.mktemp("record_jobs")

    def export(name, description, **kwargs):
        return serving.export_saved_model(
            model, folder / name, description, top_k=3, **kwargs
        )

    def predict(signature, records):
        return [raw_predict(signature, {"examples": records})]

    videos = export("videos", VIDEOS)
    sampling = export("sampling", DESCRIPTION, sample_size=2)
    sequences = export("sequences", FLOATS)
    examples = as_examples(WHOLE, "animals")
    from_examples = predict("from_examples", serialized(examples))
    key = "from_sequence_examples"
    warmed, warm_up = read_warm_up(version)
    video_warmed, video_warm_up = read_warm_up(videos)
    jobs = {
        "from_examples": (version, from_examples),
        "sampled": (sampling, from_examples),
        "classify": (version, [raw_classify(examples)]),
        "predict_frames": (
            version,
            [raw_predict("predict_frames", clip) for clip in CLIPS],
        ),
        "videos": (videos, predict(key, as_sequences(WHOLE))),
        "sequences": (sequences, predict(key, as_float_sequences(CLIPS))),
        "warm_up": (version, warm_up),
        "video_warm_up": (videos, video_warm_up),
    }
    found, signatures = answers_of(jobs)
    return types.SimpleNamespace(
        warmed={"warm_up": warmed, "video_warm_up": video_warmed},
        signatures=signatures,
        **{job: list(map(outputs_of, x)) for job, x in found.items()},
    )


def check_answer(outputs, expected):
    best = np.argsort(-expected, axis=1)[:, :3]
    names = [[CLASS_NAMES[i] for i in row] for row in best]
    assert [[x.decode() for x in row] for row in outputs["classes"]] == names
    scores = np.take_along_axis(expected, best, axis=1)
    np.testing.assert_allclose(outputs["scores"], scores, atol=1e-5)


def test_records_are_answered_as_the_model_does(answers, model):
    expected = expect_probabilities(model, CLIPS)
    (outputs,) = answers.from_examples
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    check_answer(outputs, expected)
    assert np.ptp(expected, axis=0).max() > 0.1
    (outputs,) = answers.classify
    check_answer(outputs, expected)


def test_records_are_sampled_at_equal_intervals(answers, model):
    expected = expect_probabilities(model, SAMPLED)
    (outputs,) = answers.sampled
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    whole = expect_probabilities(model, CLIPS)
    assert abs(whole - expected).max() > 1e-3


def test_one_clip_needs_no_counts(answers, model):
    expected = expect_probabilities(model, CLIPS)
    received = [x["probabilities"] for x in answers.predict_frames]
    np.testing.assert_allclose(received, expected[:, None], atol=1e-5)


def test_sequences_are_read_as_their_dataset_is(answers, model):
    videos = [{n: dequantise(x) for n, x in clip.items()} for clip in WHOLE]
    for (outputs,), clips in (
        (answers.videos, videos),
        (answers.sequences, CLIPS),
    ):
        expected = expect_probabilities(model, clips)
        np.testing.assert_allclose(
            outputs["probabilities"], expected, atol=1e-5
        )


@pytest.mark.parametrize("job", ["warm_up", "video_warm_up"])
def test_every_signature_is_warmed_up_by_a_request_with_an_answer(job, answers):
    assert set(answers.warmed[job]) == set(answers.signatures[job])
    for outputs in getattr(answers, job):
        assert len(outputs["classes"]) in (1, 8)
        assert (outputs["scores"] > 0).all()


def test_class_names_and_description_are_assets(version):
    text = (version / "assets" / "class_names.txt").read_text("utf-8")
    assert tuple(text.splitlines()) == CLASS_NAMES
    text = (version / "assets" / "manifest.json").read_text("utf-8")
    values = json.loads(text)
    assert Description.from_json(values) == DESCRIPTION
    assert values["serving"] == {
        "top_k": 3,
        "sample_size": 0,
        "max_frames": 10_000,
    }
