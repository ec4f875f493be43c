"""Models that are served in these tests, and good requests to each."""

import numpy as np
import tensorflow as tf

from ac_keras import serving
from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import encode_clip
from ac_keras.pipeline.formats import youtube8m
from support.serving.recorded_requests import classify_log
from support.serving.recorded_requests import predict_log
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import DIMS
from support.serving.server_answers import raw_classify
from support.serving.server_answers import raw_predict

VIDEOS = Description(
    "videos",
    CLASS_NAMES,
    {name: youtube8m.quantised(dim) for name, dim in DIMS.items()},
    record_format="youtube8m",
)
DESCRIPTIONS = {"animals": DESCRIPTION, "videos": VIDEOS}
TOP_K = 3


def export_models(model, folder):
    """Gives a SavedModel's folder for each description."""
    return {
        name: serving.export_saved_model(
            model, folder / name, description, top_k=TOP_K
        )
        for name, description in DESCRIPTIONS.items()
    }


def draw_clips(rng, num_clips, longest=6):
    """Clips of a few frames, some without a modality, of whole numbers."""
    clips = []
    for _ in range(num_clips):
        lengths = rng.integers(0, longest + 1, len(DIMS))
        lengths[rng.integers(len(DIMS))] += 1
        clips.append(
            {
                name: rng.integers(0, 256, (length, dim)).astype("float32")
                for (name, dim), length in zip(
                    DIMS.items(), lengths, strict=True
                )
            }
        )
    return clips


def scaled(clips):
    return [{name: x / 64 - 2 for name, x in clip.items()} for clip in clips]


def padded(clips, slack=0):
    """The inputs of `serving_default`, with `slack` frames of padding."""
    inputs = {}
    for name, dim in DIMS.items():
        counts = [len(clip[name]) for clip in clips]
        frames = np.full((len(clips), max(counts) + slack, dim), 7, "float32")
        for row, clip in enumerate(clips):
            frames[row, : counts[row]] = clip[name]
        inputs[name] = frames
        inputs[f"{name}_num_frames"] = np.array(counts, "int32")
    return inputs


def as_examples(clips, job):
    """Records of float16 or, from whole numbers, of bytes."""
    if job == "animals":
        clips = scaled(clips)
    else:
        clips = [{n: x.astype("uint8") for n, x in c.items()} for c in clips]
    description = DESCRIPTION if job == "animals" else VIDEOS
    return [encode_clip(Clip("a", (1,), x), description) for x in clips]


def as_sequences(clips):
    """Serialized videos."""
    sequences = []
    for clip in clips:
        example = tf.train.SequenceExample()
        example.context.feature["id"].bytes_list.value.append(b"v")
        example.context.feature["labels"].int64_list.value.extend([1, 2])
        for name, frames in clip.items():
            steps = example.feature_lists.feature_list[name].feature
            for frame in frames.astype("uint8"):
                steps.add().bytes_list.value.append(frame.tobytes())
        sequences.append(example.SerializeToString())
    return sequences


def raw_inputs(signature, inputs):
    return raw_predict(predict_log(signature, inputs).predict_log.request)


def serialized(examples):
    return [x.SerializeToString() for x in examples]


def good_requests(clips, job, slack=0):
    """Raw requests of the same clips to every signature, by its name.

    `classify` goes to the Classify API, `classify_by_predict` to the other;
    `predict_frames` has the first clip only.
    """
    inputs, examples = padded(scaled(clips), slack), as_examples(clips, job)
    classify = classify_log(examples).classify_log.request
    records = serialized(examples)
    requests = {
        "serving_default": raw_inputs("serving_default", inputs),
        "default_by_no_name": raw_inputs("", inputs),
        "attention": raw_inputs("attention", inputs),
        "predict_frames": raw_inputs("predict_frames", scaled(clips)[0]),
        "from_examples": raw_inputs("from_examples", {"examples": records}),
        "classify_by_predict": raw_inputs("classify", {"inputs": records}),
        "classify": raw_classify(classify),
    }
    if job != "animals":
        requests["from_sequence_examples"] = raw_inputs(
            "from_sequence_examples", {"examples": as_sequences(clips)}
        )
    return requests
