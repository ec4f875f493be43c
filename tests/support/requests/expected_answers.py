"""The answer of a served classifier to a raw request, by its contract alone.

Requests and records are read by protobuf and frames by NumPy; probabilities are
computed in float64 from the model's weights.
"""

import dataclasses

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2

from support.serving.loopback_model import serialized_examples
from support.serving.served_classifier import DIMS

DENSE = {*DIMS, *(f"{name}_num_frames" for name in DIMS)}
SIGNATURES = {  # the names of their inputs
    "serving_default": DENSE,
    "attention": DENSE,
    "predict_frames": set(DIMS),
    "from_examples": {"examples"},
    "classify": {"inputs"},
    "from_sequence_examples": {"examples"},
}
OUTPUTS = {"classes", "scores", "probabilities"}
LARGEST = 1e15
LAYOUTS = {  # by job: dtype by modality
    "animals": {"rgb": "float16", "audio": "float32"},
    "videos": {"rgb": "uint8", "audio": "uint8"},
}


class Invalid(Exception):
    """A request that must be rejected, and why."""


@dataclasses.dataclass
class Expected:
    """Refusal with `code` for a reason, or an answer for `clips`.

    `num_slots` is the number of frames by modality, padding included, where
    the answer has attention.
    """

    code: str
    reason: str = ""
    clips: list | None = None
    names: set | None = None
    num_slots: dict | None = None


def expected_answer(raw, job):
    """Returns the answer that a job's server must give to a raw request."""
    try:
        if raw[:1] == b"C":
            return _classify(raw[1:], job)
        return _predict(raw[1:], job)
    except DecodeError:
        return Expected("INTERNAL", "unparsable request")
    except Invalid as reason:
        return Expected("INVALID_ARGUMENT", str(reason))


def _predict(raw, job):
    request = predict_pb2.PredictRequest.FromString(raw)
    key = request.model_spec.signature_name or "serving_default"
    absent = "from_sequence_examples" if job == "animals" else None
    if key not in SIGNATURES or key == absent:
        return Expected("FAILED_PRECONDITION", "signature")
    _require(set(request.inputs) == SIGNATURES[key], "input names")
    tensors = {n: read_tensor(x, n) for n, x in request.inputs.items()}
    outputs = set(OUTPUTS)
    if key == "classify":
        outputs.remove("probabilities")
    if key == "attention":
        outputs.update(f"{name}_attention" for name in DIMS)
    asked = list(request.output_filter)
    _require(len(set(asked)) == len(asked), "duplicate outputs")
    _require(set(asked) <= outputs, "unknown outputs")
    slots = None
    if SIGNATURES[key] == DENSE:
        clips = _dense_clips(tensors)
        slots = {name: tensors[name].shape[1] for name in DIMS}
    elif key == "predict_frames":
        clips = [_one_clip(tensors)]
    else:
        ((_, records),) = tensors.items()
        _require(records.ndim == 1, "shape")
        clips = _read_all(records, key, job)
    names = set(asked) or outputs
    return Expected("OK", "", _checked(clips), names, slots)


def _classify(raw, job):
    request = classification_pb2.ClassificationRequest.FromString(raw)
    key = request.model_spec.signature_name or "serving_default"
    _require(key == "classify", "signature of the Classify API")
    records = serialized_examples(request.input)
    clips = _read_all(records, key, job)
    return Expected("OK", "", _checked(clips), {"classes", "scores"})


def _read_all(records, key, job):
    read = read_sequence if key == "from_sequence_examples" else read_example
    return [read(record, job) for record in records]


def _dense_clips(tensors):
    sizes = set()
    for name, dim in DIMS.items():
        frames, counts = tensors[name], tensors[f"{name}_num_frames"]
        _require(frames.ndim == 3 and frames.shape[2] == dim, "shape")
        _require(counts.ndim == 1, "shape of counts")
        _require(frames.shape[1] <= 10_000, "length")
        sizes |= {len(frames), len(counts)}
    _require(len(sizes) == 1, "numbers of clips")
    for name in DIMS:
        counts = tensors[f"{name}_num_frames"]
        in_range = (counts >= 0) & (counts <= tensors[name].shape[1])
        _require(in_range.all(), "num_frames")
    return [
        {
            name: tensors[name][row, : tensors[f"{name}_num_frames"][row]]
            for name in DIMS
        }
        for row in range(sizes.pop())
    ]


def _one_clip(tensors):
    for name, dim in DIMS.items():
        shape = tensors[name].shape
        _require(len(shape) == 2 and shape[1] == dim, "shape")
        _require(shape[0] <= 10_000, "length")
    return tensors


def _checked(clips):
    _require(len(clips) > 0, "no clip")
    for clip in clips:
        _require(any(len(x) for x in clip.values()), "no frame")
        for frames in clip.values():
            _require(bool((abs(frames) <= LARGEST).all()), "range")
    return [{n: x.astype("float64") for n, x in c.items()} for c in clips]


def _require(condition, reason):
    if not condition:
        raise Invalid(reason)


def read_example(record, job):
    """Returns a clip's frames by modality, float64."""
    example = _parse_plain(tf.train.Example, record)
    if example is None:
        stored = _by_tensorflow(record)
    else:
        features = example.features.feature
        stored = {name: _only_value(features, name) for name in DIMS}
    return {name: _decode(stored[name], name, job) for name in DIMS}


def read_sequence(record, job):
    example = _parse_plain(tf.train.SequenceExample, record)
    if example is None:
        stored = _sequence_by_tensorflow(record)
    else:
        lists = example.feature_lists.feature_list
        stored = {
            name: [_step_value(x) for x in lists[name].feature] for name in DIMS
        }
    for name, dim in DIMS.items():
        if {len(step) for step in stored[name]} - {dim}:
            raise Invalid("byte count of a step")
    return {
        name: _decode(b"".join(steps), name, job)
        for name, steps in stored.items()
    }


def _parse_plain(kind, record):
    """Parses a record; None where parsers differ in what they accept.

    That is where protobuf would write it in another size: with unknown or
    repeated fields, keys or values of several kinds.
    """
    try:
        message = kind.FromString(record)
    except DecodeError:
        return None
    message.DiscardUnknownFields()
    return message if message.ByteSize() == len(record) else None


def _only_value(features, name):
    if name not in features:
        raise Invalid(f"key {name}")
    values = features[name].bytes_list.value
    if len(values) != 1:
        raise Invalid(f"key {name}")
    return values[0]


def _step_value(feature):
    if len(feature.bytes_list.value) != 1:
        raise Invalid("a step's values")
    return feature.bytes_list.value[0]


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


def read_tensor(proto, name):
    """Reads an input by TensorFlow, which fills up too few values."""
    dtype = tf.float32
    if name.endswith("_num_frames"):
        dtype = tf.int32
    elif name in ("examples", "inputs"):
        dtype = tf.string
    if proto.dtype != dtype.as_datatype_enum:
        raise Invalid(f"dtype of {name}")
    try:
        tensor = tf.io.parse_tensor(proto.SerializeToString(), dtype)
        return np.asarray(tensor)  # a scalar string, too
    except (ValueError, tf.errors.InvalidArgumentError):
        raise Invalid(f"content of {name}") from None
