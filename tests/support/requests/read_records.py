"""What a request's records hold, read apart from the package."""

import numpy as np
import tensorflow as tf

from support.requests import wire_format
from support.serving.served_classifier import DIMS

LAYOUTS = {  # by job: dtype by modality
    "animals": {"rgb": "float16", "audio": "float32"},
    "videos": {"rgb": "uint8", "audio": "uint8"},
}


class Invalid(Exception):
    """A request that is to be refused, and why."""


def read_example(record, job):
    """Gives a clip's frames by modality, float64."""
    try:
        features = wire_format.example(record)
        stored = {name: _only_value(features, name) for name in DIMS}
    except wire_format.NotPlain:
        stored = _by_tensorflow(record)
    return {name: _decode(stored[name], name, job) for name in DIMS}


def read_sequence(record, job):
    try:
        lists = wire_format.sequence_example(record)
        stored = {name: _joined(lists.get(name.encode(), [])) for name in DIMS}
        sizes = {n: [len(x) for x in steps] for n, steps in stored.items()}
    except wire_format.NotPlain:
        stored = _sequence_by_tensorflow(record)
        sizes = {n: [len(x) for x in steps] for n, steps in stored.items()}
    for name, dim in DIMS.items():
        if set(sizes[name]) - {dim}:
            raise Invalid("byte count of a step")
    return {
        name: _decode(b"".join(steps), name, job)
        for name, steps in stored.items()
    }


def _only_value(features, name):
    kind, values = features.get(name.encode(), (None, []))
    if kind != "bytes" or len(values) != 1:
        raise Invalid(f"key {name}")
    return values[0]


def _joined(steps):
    for kind, values in steps:
        if kind != "bytes" or len(values) != 1:
            raise Invalid("a step's values")
    return [values[0] for _, values in steps]


def _by_tensorflow(record):
    _check_parsable(record, "tensorflow.Example", "features")
    string = tf.io.FixedLenFeature([], tf.string)
    try:
        parsed = tf.io.parse_example([record], dict.fromkeys(DIMS, string))
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError):
        raise Invalid("unparsable") from None
    return {name: x.numpy()[0] for name, x in parsed.items()}


def _sequence_by_tensorflow(record):
    _check_parsable(record, "tensorflow.SequenceExample", "context")
    ragged = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
    try:
        _, lists, _ = tf.io.parse_sequence_example(
            [record], {}, dict.fromkeys(DIMS, ragged)
        )
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError):
        raise Invalid("unparsable") from None
    stored = {}
    for name, steps in lists.items():
        steps = steps.to_list()[0]
        if any(len(values) != 1 for values in steps):
            raise Invalid("a step's values")
        stored[name] = [values[0] for values in steps]
    return stored


def _check_parsable(record, kind, field):
    """TensorFlow's own parsers die of some that protobuf refuses."""
    try:
        tf.io.decode_proto([record], kind, [field], [tf.string], sanitize=True)
    except tf.errors.DataLossError:
        raise Invalid("unparsable") from None


def _decode(stored, name, job):
    dtype = np.dtype(LAYOUTS[job][name])
    if len(stored) % (dtype.itemsize * DIMS[name]):
        raise Invalid(f"byte count of {name}")
    with np.errstate(invalid="ignore"):  # NaN that signals
        frames = np.frombuffer(stored, dtype).astype("float64")
    if dtype == "uint8":
        frames = frames * 4 / 255 + 4 / 512 - 2
    return frames.reshape(-1, DIMS[name])
