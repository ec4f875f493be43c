"""What a served model takes and gives."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

COUNT = "_num_frames"
_OWN = "__saved_model"


@dataclasses.dataclass(frozen=True)
class ServedSignature:
    """One way to ask a served model.

    Attributes:
        name: Its name.
        method: The server's method, such as `tensorflow/serving/predict`.
        inputs: By name, dtype and shape; None where a dimension is free.
        outputs: The same of what comes back.
    """

    name: str
    method: str
    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]

    @property
    def has_counts(self) -> bool:
        """Whether it takes batches of padded clips with counts of frames."""
        return any(
            name + COUNT in self.inputs and spec.shape.rank == 3
            for name, spec in self.inputs.items()
        )

    @property
    def dims(self) -> dict[str, int]:
        """By modality, the dim of its frames.

        Raises:
            ValueError: If the signature takes something else than frames.
        """
        rank = 3 if self.has_counts else 2
        dims = {
            name: spec.shape[-1]
            for name, spec in self.inputs.items()
            if spec.shape.rank == rank and spec.dtype == tf.float32
        }
        counts = {name + COUNT for name in dims} if self.has_counts else set()
        if not dims or set(self.inputs) != set(dims) | counts:
            raise ValueError(
                "Expected a signature that takes frames. Received: "
                f"signature={self.name!r}, which takes {list(self.inputs)}. "
                "Choose 'serving_default' or 'attention', or send records by "
                "predict_examples or classify."
            )
        return dims


def read_signatures(protos: Mapping[str, Any]) -> dict[str, ServedSignature]:
    """Turns SignatureDef protos into ours; a SavedModel's own left out."""
    return {
        name: ServedSignature(
            name,
            proto.method_name,
            _read_specs(proto.inputs),
            _read_specs(proto.outputs),
        )
        for name, proto in sorted(protos.items())
        if not name.startswith(_OWN)
    }


def read_json_signatures(
    values: Mapping[str, Any],
) -> dict[str, ServedSignature]:
    """The same of SignatureDef protos as JSON."""
    return {
        name: ServedSignature(
            name,
            value.get("method_name", ""),
            _read_json_specs(value.get("inputs", {})),
            _read_json_specs(value.get("outputs", {})),
        )
        for name, value in sorted(values.items())
        if not name.startswith(_OWN)
    }


def _read_specs(infos):
    return {
        name: tf.TensorSpec(info.tensor_shape, tf.as_dtype(info.dtype), name)
        for name, info in sorted(infos.items())
    }


def _read_json_specs(infos):
    specs = {}
    for name, info in sorted(infos.items()):
        shape = info["tensor_shape"]
        # -1 is a free dimension, and numbers of 64 bits are strings in JSON.
        sizes = [int(dim["size"]) for dim in shape.get("dim", [])]
        sizes = [None if size < 0 else size for size in sizes]
        dtype = tf.as_dtype(info["dtype"].removeprefix("DT_").lower())
        is_known = not shape.get("unknown_rank", False)
        specs[name] = tf.TensorSpec(sizes if is_known else None, dtype, name)
    return specs
