"""JSON of the REST interface, to and from tensors.

A part of the stand-in of `loopback_server.py`.
"""

import base64
import binascii
import json

import numpy as np
import tensorflow as tf

from support.serving.loopback_model import invalid_argument

INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "int64")
EXAMPLE_LISTS = {"bytes_list": bytes, "float_list": float, "int64_list": int}


def parse_request(body):
    """Gives a request's object."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except ValueError as error:
        raise invalid_argument(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {brief(document)} Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid_argument(
            f"JSON Value: {brief(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return document


def predict_inputs(document, infos):
    """Gives protos by name, and whether the request has a row a clip."""
    has_rows, has_columns = "instances" in document, "inputs" in document
    if has_rows and has_columns:
        raise invalid_argument(
            f"JSON Value: {brief(document)} Not formatted correctly expecting "
            "only one of 'inputs' or 'instances' keys to exist "
        )
    if has_columns:
        values = as_columns(document["inputs"], infos)
    elif has_rows:
        values = as_rows(document["instances"], infos)
    else:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    protos = {
        name: make_tensor(value, tf.as_dtype(infos[name].dtype))
        for name, value in values.items()
    }
    return protos, has_rows


def as_columns(inputs, infos):
    if is_plain(inputs):
        if len(infos) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as "
                "multiple input tensors required as per tensorinfo_map"
            )
        return {next(iter(infos)): inputs}
    for name in infos:
        if name not in inputs:
            raise invalid_argument(
                f"Missing named input: {name} in 'inputs' object."
            )
    return {name: inputs[name] for name in infos}


def as_rows(instances, infos):
    if not isinstance(instances, list) or not instances:
        raise invalid_argument("No values in 'instances' array")
    if is_plain(instances[0]):
        if len(infos) > 1:
            raise invalid_argument(
                "instances is a plain list, but expecting list of objects as "
                "multiple input tensors required as per tensorinfo_map"
            )
        return {next(iter(infos)): instances}
    for index, row in enumerate(instances):
        if is_plain(row) or set(row) != set(infos):
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON "
                f"object: {brief(row)} keys must be equal to: "
                f"{','.join(sorted(infos))}"
            )
    return {name: [row[name] for row in instances] for name in infos}


def is_plain(value):
    return not isinstance(value, dict) or set(value) == {"b64"}


def make_tensor(value, dtype):
    """A proto of a value, or of nested lists of equal lengths."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    flat = []
    flatten(value, shape, 0, flat)
    leaves = [leaf_of(leaf, dtype) for leaf in flat]
    array = np.array(leaves, dtype.as_numpy_dtype).reshape(shape)
    return tf.make_tensor_proto(array, dtype)


def flatten(value, shape, level, flat):
    if level == len(shape):
        if isinstance(value, list):
            raise invalid_argument(
                f"Encountered list at unexpected level: {level} expected < "
                f"{len(shape)}"
            )
        flat.append(value)
        return
    if not isinstance(value, list):
        raise invalid_argument(
            f"JSON Value: {brief(value)} found at incorrect level: {level + 1} "
            f"in the JSON DOM. Expected at level: {len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: "
            f"{level} expected size: {shape[level]}"
        )
    for item in value:
        flatten(item, shape, level + 1, flat)


def leaf_of(value, dtype):
    wanted = str if dtype == tf.string else (int, float)
    wanted = int if dtype.name in INTEGERS else wanted
    if dtype == tf.string and isinstance(value, dict) and is_plain(value):
        return decode_base64(value)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise invalid_argument(
            f"JSON Value: {brief(value)} Type: {type(value).__name__} is not "
            f"of expected type: {dtype.name}"
        )
    return value.encode() if isinstance(value, str) else value


def decode_base64(value):
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise invalid_argument("Unable to base64 decode") from None


def make_example(features):
    """A serialized tf.Example of a JSON object."""
    example = tf.train.Example()
    if not isinstance(features, dict):
        raise invalid_argument("Example must be JSON object")
    for name, values in features.items():
        feature = example.features.feature[name]
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str):
                value = value.encode()
            elif isinstance(value, dict) and is_plain(value):
                value = decode_base64(value)
            kinds = [k for k, x in EXAMPLE_LISTS.items() if type(value) is x]
            if not kinds or feature.WhichOneof("kind") not in (None, *kinds):
                raise invalid_argument(
                    f"Unexpected element type in feature: {name}"
                )
            getattr(feature, kinds[0]).value.append(value)
    return example.SerializeToString()


def brief(value):
    return json.dumps(value)[:256]
