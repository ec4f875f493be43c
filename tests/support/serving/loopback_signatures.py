"""What a server checks of a request before a signature runs.

A part of the stand-in of `loopback_server.py`.
"""

import numpy as np
import tensorflow as tf

from support.serving.loopback_model import ServingError
from support.serving.loopback_model import invalid_argument

DEFAULT_SIGNATURE = "serving_default"
_INT_FIELDS = ("int8", "uint8", "int16", "uint16", "int32")


def run_predict(version, signature_name, inputs, output_filter=()):
    """Runs a signature on tensors, given and returned as protos by name."""
    name = signature_name or DEFAULT_SIGNATURE
    if name not in version.signatures:
        raise ServingError(
            "FAILED_PRECONDITION", f'Serving signature key "{name}" not found.'
        )
    signature = version.signatures[name]
    _check_names(set(inputs), set(signature.inputs))
    arrays = [_array(alias, inputs[alias]) for alias in signature.inputs]
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs "
                "expected to be in the set "
                f"{{{','.join(sorted(signature.outputs))}}}."
            )
    aliases = list(output_filter) or list(signature.outputs)
    results = version.run(
        [signature.inputs[alias].name for alias in signature.inputs],
        [signature.outputs[alias].name for alias in aliases],
        arrays,
    )
    return dict(zip(aliases, map(make_proto, results), strict=True))


def run_classify(version, signature_name, examples):
    """Gives classes and scores `(batch, k)` of serialized examples."""
    name = signature_name or DEFAULT_SIGNATURE
    if name not in version.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    signature = version.signatures[name]
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            "Expected one or two output Tensors, found "
            f"{len(signature.outputs)}"
        )
    if "inputs" not in signature.inputs:
        raise invalid_argument("No classification inputs found in SignatureDef")
    if set(signature.outputs) != {"classes", "scores"}:
        raise invalid_argument("Expected outputs of classes and scores.")
    if not examples:
        raise invalid_argument("Input is empty.")
    return version.run(
        [signature.inputs["inputs"].name],
        [signature.outputs[alias].name for alias in ("classes", "scores")],
        [np.array(examples, object)],
    )


def make_proto(array):
    """A proto whose numbers are a list, as the server's own are."""
    dtype = tf.as_dtype(array.dtype)
    proto = tf.make_tensor_proto(np.zeros(0, dtype.as_numpy_dtype), dtype)
    proto.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
    field = "string" if dtype == tf.string else dtype.name
    field = {"float32": "float", "float64": "double"}.get(field, field)
    field = "int" if field in _INT_FIELDS else field
    getattr(proto, f"{field}_val").extend(array.ravel().tolist())
    return proto


def _check_names(sent, required):
    if len(sent) != len(required):
        names = [
            ",".join(sorted(x))
            for x in (sent, required, sent - required, required - sent)
        ]
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!="
            f"{len(required)} len({{{names[0]}}}) != len({{{names[1]}}}). Sent "
            f"extra: {{{names[2]}}}. Missing but required: {{{names[3]}}}."
        )
    missing = sorted(required - sent)
    if missing:
        raise invalid_argument(
            f"input tensor alias not found: {','.join(missing)}. Inputs "
            f"expected to be in the set {{{','.join(sorted(required))}}}."
        )


def _array(alias, proto):
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError):
        raise invalid_argument(f"tensor parsing error: {alias}") from None
