"""The array that a `TensorProto` stands for, in NumPy alone."""

import math

import numpy as np
from tensorflow.core.framework import types_pb2

from support.requests.read_records import Invalid

DTYPES = {
    types_pb2.DT_FLOAT: ("<f4", "float_val"),
    types_pb2.DT_INT32: ("<i4", "int_val"),
    types_pb2.DT_STRING: (object, "string_val"),
}
LARGEST_SIZE = 2**63


def dtype_of(name):
    """The dtype that an input of this name is to have."""
    if name.endswith("_num_frames"):
        return types_pb2.DT_INT32
    if name in ("examples", "inputs"):
        return types_pb2.DT_STRING
    return types_pb2.DT_FLOAT


def read_tensor(proto, name):
    """Reads an input; fewer values than elements end in repetitions."""
    if proto.dtype != dtype_of(name):
        raise Invalid(f"dtype of {name}")
    shape = [x.size for x in proto.tensor_shape.dim]
    # TensorFlow does not look at `unknown_rank`.
    if min(shape, default=0) < 0:
        raise Invalid(f"unknown shape of {name}")
    for end in range(len(shape)):
        if math.prod(shape[: end + 1]) >= LARGEST_SIZE:
            raise Invalid(f"size of {name}")
    size = math.prod(shape)
    if size >= 2**48:
        raise Invalid(f"memory for {name}")
    dtype, field = DTYPES[proto.dtype]
    if size == 0:
        values = np.zeros(0, dtype)
    elif proto.tensor_content:
        values = _of_content(proto.tensor_content, dtype, size, name)
    else:
        values = _of_list(getattr(proto, field), dtype, size)
    try:
        return values.reshape(shape)
    except ValueError:  # Too many elements even for an empty array.
        raise Invalid(f"shape of {name}") from None


def _of_content(content, dtype, size, name):
    if dtype is object:
        values = _split(content, size)
        if values is None:
            raise Invalid(f"content of {name}")
        return np.array(values + [None], object)[:-1]
    if len(content) != size * np.dtype(dtype).itemsize:
        raise Invalid(f"content of {name}")
    return np.frombuffer(content, dtype)


def _split(content, size):
    """Splits strings that follow on their lengths."""
    lengths, position = [], 0
    for _ in range(size):
        length, shift = 0, 0
        while True:
            if position >= len(content) or shift > 28:
                return None
            byte = content[position]
            length |= (byte & 127) << shift
            position, shift = position + 1, shift + 7
            if byte < 128:
                break
        lengths.append(length)
    if position + sum(lengths) != len(content):
        return None
    values = []
    for length in lengths:
        values.append(content[position : position + length])
        position += length
    return values


def _of_list(given, dtype, size):
    given = list(given)[:size]
    last = given[-1] if given else (b"" if dtype is object else 0)
    values = np.empty(size, dtype)
    values[: len(given)] = given
    values[len(given) :] = last
    return values
