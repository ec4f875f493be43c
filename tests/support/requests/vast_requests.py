"""Requests that would take far more memory if they were answered."""

import numpy as np
import tensorflow as tf

from ac_keras.serving import checks
from support.requests.good_requests import raw_inputs
from support.serving.served_classifier import DIMS

NUM_FRAMES = 1_000_000
MAX_FRAMES = 10_000  # of the models
# Decoded, each of these clips would be padded to the long one: 0.8 GiB for
# `rgb` alone.
NUM_SHORT = 40


def vast_cases():
    """Gives job, raw request and words by `SIGNATURE-NAME`."""
    too_long = (
        rf"Expected clips of at most {MAX_FRAMES} frames of (rgb|audio)"
        rf".*Received:\] \[{NUM_FRAMES}\]"
    )
    clips = 1 + checks.DECODED_BYTES // (4 * DIMS["rgb"] * MAX_FRAMES)
    too_many = (
        r"Expected at most \d+ frames of rgb in a request, each clip padded.*"
        rf"\[{clips} {MAX_FRAMES}\].*Send fewer clips"
    )
    return {
        "serving_default-vast": ("animals", _dense(), too_long),
        "from_examples-vast": (
            "animals",
            _records(_example, NUM_FRAMES, NUM_SHORT),
            too_long,
        ),
        "from_examples-many": (
            "animals",
            _records(_example, MAX_FRAMES, clips - 1),
            too_many,
        ),
        "from_sequence_examples-vast": (
            "videos",
            _records(_video, NUM_FRAMES, NUM_SHORT),
            too_long,
        ),
        "from_sequence_examples-many": (
            "videos",
            _records(_video, MAX_FRAMES, clips - 1),
            too_many,
        ),
    }


def _dense():
    inputs = {}
    for name, dim in DIMS.items():
        inputs[name] = np.zeros((1, NUM_FRAMES, dim), "float32")
        inputs[f"{name}_num_frames"] = np.array([1], "int32")
    return raw_inputs("serving_default", inputs)


def _records(make, num_frames, num_short):
    """A clip of `num_frames` frames and others of one."""
    key = "from_examples" if make is _example else "from_sequence_examples"
    records = [make(num_frames)] + num_short * [make(1)]
    return raw_inputs(key, {"examples": records})


def _example(num_frames):
    example = tf.train.Example()
    for name, size in (("rgb", 2 * DIMS["rgb"]), ("audio", 4 * DIMS["audio"])):
        feature = example.features.feature[name]
        feature.bytes_list.value.append(bytes(num_frames * size))
    return example.SerializeToString()


def _video(num_frames):
    """A video without audio; a message a frame would take long to build."""
    step = tf.train.FeatureList()
    step.feature.add().bytes_list.value.append(bytes(DIMS["rgb"]))
    steps = _delimited(2, step.SerializeToString() * num_frames)
    entry = _delimited(1, _delimited(1, b"rgb") + steps)
    return _delimited(2, entry)


def _delimited(number, content):
    """A field of protobuf."""
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content
