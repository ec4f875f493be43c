"""Requests of records that are to be refused, and what the error says."""

import numpy as np
import tensorflow as tf

from support.requests.bad_dense_cases import CLIPS
from support.requests.bad_dense_cases import SHORT
from support.requests.good_requests import as_examples
from support.requests.good_requests import as_sequences
from support.requests.good_requests import padded
from support.requests.good_requests import raw_inputs
from support.requests.good_requests import serialized
from support.serving.recorded_requests import classify_log
from support.serving.served_classifier import DIMS
from support.serving.server_answers import raw_classify

LONG_FRAMES = {
    name: np.ones((SHORT + 1, dim), "float32") for name, dim in DIMS.items()
}
LONG = [LONG_FRAMES]
TOO_LONG = (
    rf"Expected clips of at most {SHORT} frames of rgb.*Received:\] \[5\]"
)


def changed(example, **features):
    """A copy of a record with other features; None leaves one out."""
    copy = tf.train.Example()
    copy.CopyFrom(example)
    for name, value in features.items():
        copy.features.feature.pop(name)
        if value is not None:
            copy.features.feature[name].CopyFrom(value)
    return copy


def of_bytes(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


FLOATS = tf.train.Feature(float_list=tf.train.FloatList(value=[1.0] * 15))
NAN = np.full((1, 5), np.nan, "float16").tobytes()
GOOD, OTHER = as_examples(CLIPS, "animals")
# By name: an Example in place of a clip, and words of the error.
EXAMPLE_CASES = {
    "no_key": (changed(GOOD, audio=None), "audio.* is required"),
    "floats_for_bytes": (changed(GOOD, rgb=FLOATS), "rgb.*[Dd]ata type"),
    "two_values": (changed(GOOD, rgb=of_bytes(b"", b"")), "rgb"),
    "byte_count": (
        changed(GOOD, rgb=of_bytes(b"12345678901")),
        "Expected a whole number of frames of 10 bytes",
    ),
    "no_frame": (
        changed(GOOD, rgb=of_bytes(b""), audio=of_bytes(b"")),
        r"Expected frames in at least one of .* Received: none for the "
        r"clips\] \[1\]",
    ),
    "nan": (
        changed(GOOD, rgb=of_bytes(NAN)),
        "Expected finite features of .*rgb.* Received: NaN",
    ),
}
TEXT = GOOD.SerializeToString()
# A bytes value that claims 2**31 bytes: TensorFlow's parser of Examples dies
# of it. Around it its feature, the map's entry, and the messages of these.
CLAIM = b"\x0a\x06\x0a\x80\x80\x80\x80\x08"
CLAIMING_EXAMPLE = b"\x0a\x11\x0a\x0f\x0a\x03rgb\x12\x08" + CLAIM
CLAIMING_VIDEO = b"\x12\x13\x0a\x11\x0a\x03rgb\x12\x0a\x0a\x08" + CLAIM
# The same, of strings that a client can only send by Predict.
STRING_CASES = {
    "truncated": (TEXT[:-3], "Expected serialized .*Example"),
    "foreign": (bytes(range(256)), "Expected serialized .*Example"),
    "claimed_length": (CLAIMING_EXAMPLE, "Unable to parse binary"),
    "empty_string": (b"", "is required but could not be found"),
    **{n: (x.SerializeToString(), y) for n, (x, y) in EXAMPLE_CASES.items()},
}
VIDEO, _ = as_sequences(CLIPS)


def video(*steps):
    """A serialized video whose `rgb` has these features."""
    example = tf.train.SequenceExample()
    example.feature_lists.feature_list["rgb"].feature.extend(steps)
    return example.SerializeToString()


SEQUENCE_CASES = {
    "truncated": (VIDEO[:-3], "Expected serialized .*Example"),
    "foreign": (bytes(range(256)), "Expected serialized .*Example"),
    "empty_string": (b"", r"Received: none for the clips\] \[1\]"),
    "claimed_length": (CLAIMING_VIDEO, "Unable to parse binary"),
    "an_example": (TEXT, r"Received: none for the clips\] \[1\]"),
    "short_frame": (video(of_bytes(b"1234")), "Expected frames of 5 bytes"),
    "long_frame": (video(of_bytes(b"123456")), "Expected frames of 5 bytes"),
    "two_values": (
        video(of_bytes(b"12345", b"12345")),
        "Expected 1 values of string in each frame of ..rgb",
    ),
    "empty_step": (
        video(of_bytes(b"12345"), of_bytes()),
        "Expected 1 values of string in each frame of ..rgb",
    ),
    "floats_for_bytes": (video(FLOATS), "rgb"),
}


def record_cases():
    """Gives job, raw request and words by `SIGNATURE-NAME`."""
    cases = {}
    first = OTHER.SerializeToString()
    for name, (record, words) in STRING_CASES.items():
        raw = raw_inputs("from_examples", {"examples": [first, record]})
        cases[f"from_examples-{name}"] = "animals", raw, words
        raw = raw_inputs("classify", {"inputs": [first, record]})
        cases[f"classify_by_predict-{name}"] = "animals", raw, words
    for name, (example, words) in EXAMPLE_CASES.items():
        raw = classify([OTHER, example])
        cases[f"classify-{name}"] = "animals", raw, words
    cases["classify-no_clip"] = "animals", classify([]), "Input is empty"
    for name, (record, words) in SEQUENCE_CASES.items():
        raw = raw_inputs(
            "from_sequence_examples", {"examples": [VIDEO, record]}
        )
        cases[f"from_sequence_examples-{name}"] = "videos", raw, words
    return {**cases, **_shape_cases(), **_long_cases()}


def classify(examples):
    return raw_classify(classify_log(examples).classify_log.request)


def _shape_cases():
    """Strings in a tensor of another shape."""
    cases = {}
    for key, name, job in (
        ("from_examples", "examples", "animals"),
        ("classify", "inputs", "animals"),
        ("from_sequence_examples", "examples", "videos"),
    ):
        for case, strings, words in (
            ("scalar", TEXT, rf"Expected {name} of shape \(any\)\. .*\[\]"),
            ("wrong_rank", [[TEXT]], rf"Expected {name} of .*\[1 1\]"),
            ("no_clip", np.array([], object), "Expected at least one .*none"),
            ("numbers", np.float32([1]), "float vs. expect string"),
        ):
            raw = raw_inputs(key, {name: strings})
            cases[f"{key}-{case}"] = job, raw, words
    return cases


def _long_cases():
    """Clips over the limit of a model that takes short ones."""
    examples, inputs = as_examples(LONG, "videos"), padded(LONG)
    records = {"examples": serialized(examples)}
    videos = {"examples": as_sequences(LONG)}
    requests = {
        "serving_default": raw_inputs("serving_default", inputs),
        "attention": raw_inputs("attention", inputs),
        "predict_frames": raw_inputs("predict_frames", LONG_FRAMES),
        "from_examples": raw_inputs("from_examples", records),
        "classify": classify(examples),
        "from_sequence_examples": raw_inputs("from_sequence_examples", videos),
    }
    return {
        f"{key}-too_long": ("short", raw, TOO_LONG)
        for key, raw in requests.items()
    }
