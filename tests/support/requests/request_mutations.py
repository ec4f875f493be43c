"""Ways to spoil a request."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from support.serving.served_classifier import DIMS

SIZES = (0, 1, 2, 3, 5, -1, -(2**63), 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)
DTYPES = (0, 1, 2, 3, 7, 9, 10, 14, 19, 20, 21, 23, 101)
FLOATS = (np.nan, np.inf, -np.inf, 1e-42, 3.4e38, -3e20, -0.0, 1e9, 255.0)
COUNTS = (-(2**31), 2**31 - 1, -1, 0, 1, 2, 7, 100)
NAMES = (
    *DIMS,
    *(f"{name}_num_frames" for name in DIMS),
    *("examples", "inputs", "", "video", "serving_default", "attention"),
    *("classify", "predict_frames", "from_examples", "from_sequence_examples"),
    *("classes", "scores", "probabilities", "rgb_attention"),
)


def spoil_bytes(rng, message, other):
    """Flips, inserts, deletes, cuts, doubles or splices bytes."""
    size = len(message)
    first, last = sorted(rng.randrange(size + 1) for _ in range(2))
    last = min(last, first + rng.choice((1, 2, 4, 10, 1000)))
    part = message[first:last]
    way = rng.randrange(7)
    if way == 0 and size:
        at = rng.randrange(size)
        flipped = bytes([message[at] ^ 1 << rng.randrange(8)])
        return message[:at] + flipped + message[at + 1 :]
    if way == 1:
        return (
            message[:first]
            + rng.randbytes(rng.choice((1, 2, 8)))
            + message[first:]
        )
    if way == 2:
        return message[:first] + message[last:]
    if way == 3:
        return message[:first]
    if way == 4:
        return message[:last] + part + message[last:]
    if way == 5:
        return message[:first] + rng.randbytes(last - first) + message[last:]
    return message[:first] + other[rng.randrange(len(other) + 1) :]


def spoil_shape(rng, proto):
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


def spoil_values(rng, proto):
    """Puts odd numbers in place of others, or few for all."""
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


def spoil_names(rng, request):
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


def spoil_example(rng, record, kind):
    """Edits a record, of `kind`, as protobuf sees it."""
    try:
        message = kind.FromString(record)
    except Exception:  # Spoilt before.
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
            spoil_feature(rng, rng.choice(steps))
        elif way == 2 and steps:
            steps.add().CopyFrom(rng.choice(steps))
        else:
            spoil_feature(rng, steps.add())
    elif rng.random() < 0.2:
        features.pop(key, None)
    else:
        spoil_feature(rng, features[key])
    return message.SerializeToString()


def spoil_feature(rng, feature):
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
