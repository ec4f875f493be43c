"""What a served classifier owes to a raw request, by its contract alone.

Requests are read by protobuf, tensors and records by NumPy, and probabilities
are computed in float64 from the model's weights.
"""

import dataclasses

from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2

from support.requests.read_records import Invalid
from support.requests.read_records import read_example
from support.requests.read_records import read_sequence
from support.requests.read_tensors import read_tensor
from support.serving.served_classifier import DIMS

DENSE = {**dict.fromkeys(DIMS), **{f"{n}_num_frames": None for n in DIMS}}
SIGNATURES = {  # the names of their inputs
    "serving_default": set(DENSE),
    "attention": set(DENSE),
    "predict_frames": set(DIMS),
    "from_examples": {"examples"},
    "classify": {"inputs"},
    "from_sequence_examples": {"examples"},
}
OUTPUTS = {"classes", "scores", "probabilities"}
LARGEST = 1e15


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
    """Says what a job's server owes to a raw request."""
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
    if key not in SIGNATURES or (job, key) == (
        "animals",
        "from_sequence_examples",
    ):
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
    if SIGNATURES[key] == set(DENSE):
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
    kind = request.input.WhichOneof("kind")
    _require(kind is not None, "no examples")
    examples = getattr(request.input, kind)
    context = b""
    if kind == "example_list_with_context":
        context = examples.context.SerializeToString()
    records = [context + x.SerializeToString() for x in examples.examples]
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
