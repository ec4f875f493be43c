"""Requests made from good ones by mutation.

A tensor of a few bytes may be vast, since one value can fill all elements. A
server allocates it before it runs a model, so that no model can reject it. So
tensors here have at most 2**16 elements, or 2**48 and more, which no machine
allocates.
"""

import collections
import math
import random

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2

from support.requests.expected_answers import DENSE
from support.requests.expected_answers import OUTPUTS
from support.requests.expected_answers import SIGNATURES
from support.requests.good_requests import DESCRIPTIONS
from support.requests.good_requests import draw_clips
from support.requests.good_requests import good_requests
from support.serving.served_classifier import DIMS

MOST_ELEMENTS = 2**16
VAST = 2**48


def draw_requests(num_requests, seed):
    """Returns mutated requests by job, equal for equal arguments."""
    rng = random.Random(seed)
    good = _good_requests(seed)
    requests = {job: [] for job in DESCRIPTIONS}
    while sum(map(len, requests.values())) < num_requests:
        job = rng.choice(sorted(requests))
        key = rng.choice(sorted(good[job]))
        raw = rng.choice(good[job][key])
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            other = rng.choice(good[job][rng.choice(sorted(good[job]))])
            raw = _mutate(rng, raw, other)
        if _can_be_held(raw):
            requests[job].append(raw)
    return requests


def _good_requests(seed):
    """Some by job and signature, of few clips and of none without frames."""
    rng = np.random.default_rng(seed)
    good = {job: collections.defaultdict(list) for job in DESCRIPTIONS}
    for _ in range(40):
        clips = draw_clips(rng, int(rng.integers(1, 4)))
        for job, requests in good.items():
            for key, raw in good_requests(
                clips, job, int(rng.integers(3))
            ).items():
                requests[key].append(raw)
    return good


def _mutate(rng, raw, other):
    letter, raw, other = raw[:1], raw[1:], other[1:]
    way = rng.random()
    if way < 0.2:
        return letter + mutate_bytes(rng, raw, other)
    kind = predict_pb2.PredictRequest
    if letter == b"C":
        kind = classification_pb2.ClassificationRequest
    try:
        request = kind.FromString(raw)
    except DecodeError:
        return letter + raw
    if letter == b"C":
        _mutate_classification(rng, request)
    elif way < 0.3 or not request.inputs:
        mutate_names(rng, request)
    else:
        tensor = request.inputs[rng.choice(sorted(request.inputs))]
        if tensor.string_val and rng.random() < 0.8:
            _mutate_record(rng, tensor.string_val, request)
        else:
            rng.choice((mutate_shape, mutate_values))(rng, tensor)
    return letter + request.SerializeToString()


def _mutate_record(rng, records, request):
    row = rng.randrange(len(records))
    other = rng.choice(records)
    kind = tf.train.Example
    if "sequence" in request.model_spec.signature_name:
        kind = tf.train.SequenceExample
    way = rng.random()
    if way < 0.3:
        records[row] = mutate_bytes(rng, records[row], other)
    elif way < 0.4:
        records[row] += other  # Protobuf merges the two.
    else:
        records[row] = mutate_example(rng, records[row], kind)


def _mutate_classification(rng, request):
    examples = request.input.example_list.examples
    if rng.random() < 0.1:
        request.model_spec.signature_name = rng.choice(NAMES)
    elif rng.random() < 0.1:
        # Examples with a context, which stands before each.
        given = list(examples)
        contextual = request.input.example_list_with_context
        contextual.examples.extend(given)
        if given:
            contextual.context.CopyFrom(rng.choice(given))
    elif examples:
        row = rng.randrange(len(examples))
        record = examples[row].SerializeToString()
        record = mutate_example(rng, record, tf.train.Example)
        examples[row].ParseFromString(record)


def _can_be_held(raw):
    if raw[:1] == b"C":
        return True
    try:
        request = predict_pb2.PredictRequest.FromString(raw[1:])
    except DecodeError:
        return True
    sizes = [
        math.prod(max(dim.size, 0) for dim in tensor.tensor_shape.dim)
        for tensor in request.inputs.values()
    ]
    return all(size <= MOST_ELEMENTS or size >= VAST for size in sizes)


SIZES = (0, 1, 2, 3, 5, -1, -(2**63), 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)
DTYPES = (0, 1, 2, 3, 7, 9, 10, 14, 19, 20, 21, 23, 101)
FLOATS = (np.nan, np.inf, -np.inf, 1e-42, 3.4e38, -3e20, -0.0, 1e9, 255.0)
COUNTS = (-(2**31), 2**31 - 1, -1, 0, 1, 2, 7, 100)
NAMES = (
    *("", "video", "examples", "inputs", "rgb_attention"),
    *sorted({*SIGNATURES, *DENSE, *OUTPUTS}),
)


def mutate_bytes(rng, message, other):
    """Flips, inserts, deletes, cuts, doubles, replaces or splices bytes."""
    first, last = sorted(rng.randrange(len(message) + 1) for _ in range(2))
    last = min(last, first + rng.choice((1, 2, 4, 10, 1000)))
    start, part, end = message[:first], message[first:last], message[last:]
    flipped = bytes(x ^ 1 << rng.randrange(8) for x in part[:1])
    return rng.choice(
        (
            start + flipped + part[1:] + end,
            start + rng.randbytes(rng.choice((1, 2, 8))) + part + end,
            start + end,
            start,
            start + part + part + end,
            start + rng.randbytes(len(part)) + end,
            start + other[rng.randrange(len(other) + 1) :],
        )
    )


def mutate_shape(rng, proto):
    dims = proto.tensor_shape.dim
    way = rng.randrange(6)
    if way == 0 and dims:
        del dims[rng.randrange(len(dims))]
    elif way == 1:
        dims.add(size=rng.choice(SIZES))
    elif way == 2 and rng.random() < 0.3:
        proto.tensor_shape.unknown_rank = True
    elif way == 3:
        proto.dtype = rng.choice(DTYPES)
    elif dims:
        dim = rng.choice(dims)
        near = max(0, dim.size - 1), min(dim.size + 1, 2**31)
        dim.size = rng.choice((*SIZES, *near))


def mutate_values(rng, proto):
    """Replaces some values, or all values by a few."""
    if proto.dtype == tf.string.as_datatype_enum:
        strings = proto.string_val
        if strings and rng.random() < 0.5:
            del strings[rng.randrange(len(strings))]
        elif strings:
            strings.append(rng.choice(strings))
        return
    floats = proto.dtype == tf.float32.as_datatype_enum
    values, odd = (
        (proto.float_val, FLOATS) if floats else (proto.int_val, COUNTS)
    )
    dtype = np.dtype("float32" if floats else "int32")
    way = rng.randrange(4)
    if way == 0:
        # Few values: the last stands for all others.
        proto.tensor_content = b""
        del values[:]
        values.extend(rng.choices(odd, k=rng.randrange(3)))
    elif way == 1:
        proto.tensor_content += rng.randbytes(rng.choice((1, 4, 16)))
    elif len(proto.tensor_content) >= 4:
        whole = len(proto.tensor_content) // 4 * 4
        stored = np.frombuffer(proto.tensor_content[:whole], dtype).copy()
        stored[rng.randrange(len(stored))] = rng.choice(odd)
        proto.tensor_content = stored.tobytes()
    elif values:
        values[rng.randrange(len(values))] = rng.choice(odd)


def mutate_names(rng, request):
    inputs, way = request.inputs, rng.randrange(5)
    if way == 0 and inputs:
        inputs.pop(rng.choice(sorted(inputs)))
    elif way == 1 and inputs:
        name = rng.choice(sorted(inputs))
        tensor = predict_pb2.PredictRequest()
        tensor.inputs[name].CopyFrom(inputs[name])
        if rng.random() < 0.7:
            inputs.pop(name)
        inputs[rng.choice(NAMES)].CopyFrom(tensor.inputs[name])
    elif way == 2:
        request.model_spec.signature_name = rng.choice(NAMES)
    elif way == 3:
        request.output_filter.append(rng.choice(NAMES))
    else:
        request.output_filter.extend(["scores", "classes"])


def mutate_example(rng, record, kind):
    """Edits a record, of `kind`, as protobuf sees it."""
    try:
        message = kind.FromString(record)
    except Exception:  # mutated before.
        return record
    sequences = kind is tf.train.SequenceExample
    features = (message.context if sequences else message.features).feature
    key = rng.choice((*DIMS, "id", "labels", "more"))
    if sequences and rng.random() < 0.8:
        steps = message.feature_lists.feature_list[key].feature
        way = rng.randrange(4)
        if way == 0:
            message.feature_lists.feature_list.pop(key)
        elif way == 1 and steps:
            mutate_feature(rng, rng.choice(steps))
        elif way == 2 and steps:
            steps.add().CopyFrom(rng.choice(steps))
        else:
            mutate_feature(rng, steps.add())
    elif rng.random() < 0.2:
        features.pop(key, None)
    else:
        mutate_feature(rng, features[key])
    return message.SerializeToString()


def mutate_feature(rng, feature):
    way = rng.randrange(7)
    if way == 0:
        feature.float_list.value.extend(rng.choices(FLOATS, k=5))
    elif way == 1:
        feature.int64_list.value.append(rng.choice(SIZES))
    elif way == 2:
        feature.bytes_list.value.append(b"")
    elif way == 3:
        feature.Clear()
    else:
        values = feature.bytes_list.value
        value = values.pop() if values else b""
        if way == 4:
            values.append(value + rng.randbytes(rng.choice((1, 4, 5, 10, 16))))
        elif way == 5:
            values.append(value[: rng.randrange(len(value) + 1)])
        else:
            values.append(rng.randbytes(len(value)))
