"""Models that are served in these tests, and good requests to each."""

import numpy as np

from ac_keras import serving
from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import encode_clip
from ac_keras.pipeline.formats import youtube8m
from support.records.external_records import sequence_record
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import DIMS
from support.serving.served_classifier import padded
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
    """Returns a SavedModel's folder for each description."""
    return {
        name: serving.export_saved_model(
            model, folder / name, description, top_k=TOP_K
        )
        for name, description in DESCRIPTIONS.items()
    }


def whole_clips(rng, lengths):
    """Clips of whole numbers, of these numbers of frames by modality."""
    return [
        {
            name: rng.integers(0, 256, (length, dim)).astype("float32")
            for (name, dim), length in zip(DIMS.items(), row, strict=True)
        }
        for row in lengths
    ]


def draw_clips(rng, num_clips, longest=6):
    """Clips of a few frames, some without a modality."""
    lengths = rng.integers(0, longest + 1, (num_clips, len(DIMS)))
    some = rng.integers(len(DIMS), size=num_clips)
    lengths[np.arange(num_clips), some] += 1
    return whole_clips(rng, lengths)


def scaled(clips):
    return [{name: x / 64 - 2 for name, x in clip.items()} for clip in clips]


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
    return [
        sequence_record(
            np.random.default_rng(0),
            {"id": [b"v"], "labels": [1, 2]},
            {
                name: [[x.tobytes()] for x in frames.astype("uint8")]
                for name, frames in clip.items()
            },
        )
        for clip in clips
    ]


def serialized(examples):
    return [x.SerializeToString() for x in examples]


def good_requests(clips, job, slack=0):
    """Raw requests of the same clips to every signature, by its name.

    `classify` goes to the Classify API, `classify_by_predict` to the other;
    `predict_frames` has the first clip only.
    """
    inputs, examples = padded(scaled(clips), slack), as_examples(clips, job)
    records = serialized(examples)
    requests = {
        "serving_default": raw_predict("serving_default", inputs),
        "default_by_no_name": raw_predict("", inputs),
        "attention": raw_predict("attention", inputs),
        "predict_frames": raw_predict("predict_frames", scaled(clips)[0]),
        "from_examples": raw_predict("from_examples", {"examples": records}),
        "classify_by_predict": raw_predict("classify", {"inputs": records}),
        "classify": raw_classify(examples),
    }
    if job != "animals":
        requests["from_sequence_examples"] = raw_predict(
            "from_sequence_examples", {"examples": as_sequences(clips)}
        )
    return requests
