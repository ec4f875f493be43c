"""Signatures that take one clip or records, warm-up requests and assets."""

import json
import types

import numpy as np
import pytest
import tensorflow as tf

from ac_keras import serving
from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import encode_clip
from support.requests.good_requests import VIDEOS
from support.requests.good_requests import as_sequences
from support.requests.good_requests import serialized
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import DIMS
from support.serving.server_answers import answers_of
from support.serving.server_answers import outputs_of
from support.serving.server_answers import raw_classify
from support.serving.server_answers import raw_predict
from support.serving.server_answers import read_warm_up

pytestmark = [pytest.mark.programs, pytest.mark.versions]

LENGTHS = ((6, 3), (1, 1), (9, 0), (0, 4))  # of rgb and audio
FLOATS = Description(
    "sequences",
    CLASS_NAMES,
    {name: Modality(dim) for name, dim in DIMS.items()},
    record_format="mediasequence",
)


def draw_frames(dtype="float16"):
    """Clips of all lengths, in numbers that every format holds exactly."""
    rng = np.random.default_rng(3)
    return [
        {
            name: rng.integers(0, 256, (length, dim)).astype(dtype)
            for (name, dim), length in zip(DIMS.items(), lengths, strict=True)
        }
        for lengths in LENGTHS
    ]


def scale(clips, factor):
    return [{n: x * np.float16(factor) for n, x in c.items()} for c in clips]


def as_examples(clips):
    return [encode_clip(Clip("", (0,), clip), DESCRIPTION) for clip in clips]


def as_float_sequences(clips):
    """Serialized SequenceExamples, a modality without frames left out."""
    sequences = []
    for clip in clips:
        example = tf.train.SequenceExample()
        for name, frames in clip.items():
            key = f"{name.upper()}/feature/floats"
            for frame in frames:
                steps = example.feature_lists.feature_list[key]
                steps.feature.add().float_list.value.extend(frame)
        sequences.append(example.SerializeToString())
    return sequences


def probabilities_of(model, clips, sample_size=0):
    """Probabilities of the model for each clip alone."""
    rows = []
    for clip in clips:
        inputs = {}
        for name, frames in clip.items():
            count = len(frames)
            if sample_size and count > sample_size:
                slots = np.arange(sample_size)
                taken = (2 * slots + 1) * count // (2 * sample_size)
                frames = frames[taken]
            frames = frames.astype("float32")
            inputs[f"{name}_num_frames"] = np.array([len(frames)], "int32")
            inputs[name] = np.pad(frames, ((0, 1), (0, 0)))[None]
        rows.append(model.predict_on_batch(inputs)[0])
    return np.array(rows)


@pytest.fixture(scope="module")
def answers(model, version, tmp_path_factory):
    """By job: outputs of requests of the same clips."""
    folder = tmp_path_factory.mktemp("record_jobs")
    clips, quantized = scale(draw_frames(), 1 / 64), draw_frames("uint8")
    floats = [{n: x.astype("float32") for n, x in c.items()} for c in clips]

    def export(name, description, **kwargs):
        return serving.export_saved_model(
            model, folder / name, description, top_k=3, **kwargs
        )

    def predict(signature, records):
        return [raw_predict(signature, {"examples": records})]

    videos = export("videos", VIDEOS)
    examples = as_examples(clips)
    from_examples = predict("from_examples", serialized(examples))
    warmed, warm_up = read_warm_up(version)
    video_warmed, video_warm_up = read_warm_up(videos)
    jobs = {
        "from_examples": (version, from_examples),
        "sampled": (
            export("sampling", DESCRIPTION, sample_size=2),
            from_examples,
        ),
        "classify": (version, [raw_classify(examples)]),
        "predict_frames": (
            version,
            [raw_predict("predict_frames", clip) for clip in floats],
        ),
        "videos": (
            videos,
            predict("from_sequence_examples", as_sequences(quantized)),
        ),
        "sequences": (
            export("sequences", FLOATS),
            predict("from_sequence_examples", as_float_sequences(floats)),
        ),
        "warm_up": (version, warm_up),
        "video_warm_up": (videos, video_warm_up),
    }
    found, signatures = answers_of(folder / "answers", jobs)
    return types.SimpleNamespace(
        clips=clips,
        quantized=quantized,
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
    expected = probabilities_of(model, answers.clips)
    (outputs,) = answers.from_examples
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    check_answer(outputs, expected)
    assert np.ptp(expected, axis=0).max() > 0.1


def test_records_are_sampled_at_equal_intervals(answers, model):
    expected = probabilities_of(model, answers.clips, sample_size=2)
    (outputs,) = answers.sampled
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    whole = probabilities_of(model, answers.clips)
    assert abs(whole - expected).max() > 1e-3


def test_the_classify_api_names_the_same_classes(answers, model):
    (outputs,) = answers.classify
    check_answer(outputs, probabilities_of(model, answers.clips))


def test_one_clip_needs_no_counts(answers, model):
    expected = probabilities_of(model, answers.clips)
    for row, outputs in enumerate(answers.predict_frames):
        assert outputs["probabilities"].shape == (1, 7)
        np.testing.assert_allclose(
            outputs["probabilities"][0], expected[row], atol=1e-5
        )


def test_quantized_videos_are_read_as_their_dataset_is(answers, model):
    def dequantize(frames):
        return frames.astype("float32") * 4 / 255 + 4 / 512 - 2

    clips = [
        {name: dequantize(x) for name, x in clip.items()}
        for clip in answers.quantized
    ]
    (outputs,) = answers.videos
    expected = probabilities_of(model, clips)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)


def test_sequences_of_floats_are_read_as_their_dataset_is(answers, model):
    (outputs,) = answers.sequences
    expected = probabilities_of(model, answers.clips)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize("job", ["warm_up", "video_warm_up"])
def test_every_signature_is_warmed_up(job, answers):
    assert set(answers.warmed[job]) == set(answers.signatures[job])


def test_warm_up_requests_have_answers(answers):
    for outputs in [*answers.warm_up, *answers.video_warm_up]:
        assert len(outputs["classes"]) in (1, 8)
        assert (outputs["scores"] > 0).all()


def test_class_names_are_an_asset(version):
    text = (version / "assets" / "class_names.txt").read_text("utf-8")
    assert tuple(text.splitlines()) == CLASS_NAMES


def test_the_description_is_an_asset(version):
    text = (version / "assets" / "manifest.json").read_text("utf-8")
    values = json.loads(text)
    assert Description.from_json(values) == DESCRIPTION
    assert values["serving"] == {
        "top_k": 3,
        "sample_size": 0,
        "max_frames": 10_000,
    }
