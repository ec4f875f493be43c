"""Signatures that take clips one by one or as records."""

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
from ac_keras.pipeline.formats import youtube8m
from support.serving.recorded_requests import classify_log
from support.serving.recorded_requests import outputs_of
from support.serving.recorded_requests import predict_log
from support.serving.recorded_requests import replay
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import DIMS

pytestmark = [pytest.mark.programs, pytest.mark.versions]

LENGTHS = ((6, 3), (1, 1), (9, 0), (0, 4))  # of rgb and audio
QUANTISED = Description(
    "videos",
    CLASS_NAMES,
    {name: youtube8m.quantised(dim) for name, dim in DIMS.items()},
    record_format="youtube8m",
)
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


def as_sequences(clips, kind):
    """Serialized SequenceExamples, a modality without frames left out."""
    sequences = []
    for clip in clips:
        example = tf.train.SequenceExample()
        for name, frames in clip.items():
            if kind == "bytes":
                key, values = name, [[x.tobytes()] for x in frames]
            else:
                key, values = f"{name.upper()}/feature/floats", frames
            for value in values:
                steps = example.feature_lists.feature_list[key]
                getattr(steps.feature.add(), f"{kind}_list").value.extend(value)
        sequences.append(example.SerializeToString())
    return sequences


def serialized(examples):
    return {"examples": [x.SerializeToString() for x in examples]}


def probabilities_of(model, clips, sample_size=0):
    """What the model says of each clip by itself, in NumPy's order."""
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
    """By job: replies to requests of the same clips."""
    folder = tmp_path_factory.mktemp("record_jobs")
    clips, quantised = scale(draw_frames(), 1 / 64), draw_frames("uint8")

    def export(name, description, **kwargs):
        return serving.export_saved_model(
            model, folder / name, description, top_k=3, **kwargs
        )

    sampling = export("sampling", DESCRIPTION, sample_size=2)
    videos = export("videos", QUANTISED)
    sequences = export("sequences", FLOATS)
    examples = as_examples(clips)
    one_by_one = [
        predict_log("predict_frames", clip) for clip in scale_32(clips)
    ]
    of_videos = {"examples": as_sequences(quantised, "bytes")}
    of_floats = {"examples": as_sequences(scale_32(clips), "float")}
    from_sequences = "from_sequence_examples"
    jobs = {
        "from_examples": (
            version,
            [predict_log("from_examples", serialized(examples))],
        ),
        "sampled": (
            sampling,
            [predict_log("from_examples", serialized(examples))],
        ),
        "classify": (version, [classify_log(examples)]),
        "predict_frames": (version, one_by_one),
        "videos": (videos, [predict_log(from_sequences, of_videos)]),
        "sequences": (sequences, [predict_log(from_sequences, of_floats)]),
        "warm_up": (
            version,
            version / "assets.extra" / "tf_serving_warmup_requests",
        ),
        "video_warm_up": (
            videos,
            videos / "assets.extra" / "tf_serving_warmup_requests",
        ),
    }
    replies, signatures = replay(folder, jobs)
    return types.SimpleNamespace(
        clips=clips, quantised=quantised, signatures=signatures, **replies
    )


def scale_32(clips):
    return [{n: x.astype("float32") for n, x in c.items()} for c in clips]


def check_answer(outputs, expected):
    best = np.argsort(-expected, axis=1)[:, :3]
    names = [[CLASS_NAMES[i] for i in row] for row in best]
    assert [[x.decode() for x in row] for row in outputs["classes"]] == names
    scores = np.take_along_axis(expected, best, axis=1)
    np.testing.assert_allclose(outputs["scores"], scores, atol=1e-5)


def test_records_are_answered_as_the_model_does(answers, model):
    expected = probabilities_of(model, answers.clips)
    outputs = outputs_of(*answers.from_examples)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    check_answer(outputs, expected)
    assert np.ptp(expected, axis=0).max() > 0.1


def test_records_are_sampled_at_equal_intervals(answers, model):
    expected = probabilities_of(model, answers.clips, sample_size=2)
    outputs = outputs_of(*answers.sampled)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    whole = probabilities_of(model, answers.clips)
    assert abs(whole - expected).max() > 1e-3


def test_the_classify_api_names_the_same_classes(answers, model):
    outputs = outputs_of(*answers.classify)
    check_answer(outputs, probabilities_of(model, answers.clips))


def test_one_clip_needs_no_counts(answers, model):
    expected = probabilities_of(model, answers.clips)
    for row, log in enumerate(answers.predict_frames):
        outputs = outputs_of(log)
        assert outputs["probabilities"].shape == (1, 7)
        np.testing.assert_allclose(
            outputs["probabilities"][0], expected[row], atol=1e-5
        )


def test_quantised_videos_are_read_as_their_dataset_is(answers, model):
    def dequantise(frames):
        return frames.astype("float32") * 4 / 255 + 4 / 512 - 2

    clips = [
        {name: dequantise(x) for name, x in clip.items()}
        for clip in answers.quantised
    ]
    outputs = outputs_of(*answers.videos)
    expected = probabilities_of(model, clips)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)


def test_sequences_of_floats_are_read_as_their_dataset_is(answers, model):
    outputs = outputs_of(*answers.sequences)
    expected = probabilities_of(model, answers.clips)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize("job", ["warm_up", "video_warm_up"])
def test_every_signature_is_warmed_up(job, answers):
    warmed = {
        (
            log.predict_log if log.HasField("predict_log") else log.classify_log
        ).request.model_spec.signature_name
        for log in getattr(answers, job)
    }
    assert warmed == set(answers.signatures[job])


def test_warm_up_requests_have_answers(answers):
    for log in [*answers.warm_up, *answers.video_warm_up]:
        outputs = outputs_of(log)
        assert len(outputs["classes"]) in (1, 8)
        assert (outputs["scores"] > 0).all()


def test_class_names_ride_along(version):
    text = (version / "assets" / "class_names.txt").read_text("utf-8")
    assert tuple(text.splitlines()) == CLASS_NAMES


def test_the_description_rides_along(version):
    text = (version / "assets" / "manifest.json").read_text("utf-8")
    values = json.loads(text)
    assert Description.from_json(values) == DESCRIPTION
    assert values["serving"] == {
        "top_k": 3,
        "sample_size": 0,
        "max_frames": 10_000,
    }
