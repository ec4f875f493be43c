"""Signatures, requests and predictions of a served model."""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ac_keras.serving.client.errors import StatusError

COUNT = "_num_frames"
_ATTENTION = "_attention"
_INTERNAL = "__saved_model"  # prefix of signatures that TensorFlow adds


@dataclasses.dataclass(frozen=True)
class ServedSignature:
    """A signature of a served model.

    Attributes:
        name: Name of the signature.
        method: The server's method, such as `tensorflow/serving/predict`.
        inputs: Dtype and shape by name; None marks a free dimension.
        outputs: The same of the outputs.
    """

    name: str
    method: str
    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]

    @property
    def has_counts(self) -> bool:
        """True if it takes batches of padded clips with counts of frames."""
        return any(
            name + COUNT in self.inputs and spec.shape.rank == 3
            for name, spec in self.inputs.items()
        )

    @property
    def dims(self) -> dict[str, int]:
        """The dim of frames by modality.

        Raises:
            ValueError: If the signature does not take frames.
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
                "Choose 'serving_default' or 'attention', or send records with "
                "predict_examples or classify."
            )
        return dims


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """A clip's most probable classes.

    Attributes:
        classes: Names of these classes, best first.
        scores: Their probabilities, float32 `(top_k,)`.
        probabilities: Probabilities of all classes, float32
            `(num_classes,)`; None if the signature does not return them.
        attention: Attention scores of the clip's frames by modality, float32
            `(num_units, num_frames)`; None if the signature does not return
            them.
    """

    classes: tuple[str, ...]
    scores: np.ndarray
    probabilities: np.ndarray | None = None
    attention: dict[str, np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class Batch:
    """The clips of one request.

    Attributes:
        first: Number of clips in earlier batches.
        clips: The checked clips.
    """

    first: int
    clips: list[Any]

    def __str__(self) -> str:
        last = self.first + len(self.clips) - 1
        if last == self.first:
            return f"clip {last}"
        # Relates to the numbers of clips in the server's messages.
        relative = ", which it counts from 0" if self.first else ""
        return f"clips {self.first} to {last}{relative}"


def read_signatures(protos: Mapping[str, Any]) -> dict[str, ServedSignature]:
    """Converts SignatureDef protos; omits those that TensorFlow adds."""
    return {
        name: ServedSignature(
            name,
            proto.method_name,
            _read_specs(proto.inputs),
            _read_specs(proto.outputs),
        )
        for name, proto in sorted(protos.items())
        if not name.startswith(_INTERNAL)
    }


def _read_specs(infos):
    return {
        name: tf.TensorSpec(info.tensor_shape, tf.as_dtype(info.dtype), name)
        for name, info in sorted(infos.items())
    }


def make_batches(
    clips: Iterable[Any],
    check: Callable[[Any, int], Any],
    batch_size: int,
) -> Iterator[Batch]:
    """Groups clips, also endless ones, into batches; the last may be smaller.

    `check` takes a clip and its index and returns the clip to send. An error of
    a clip is raised after the batch of the clips before it.
    """
    first, checked, failure = 0, [], None
    clips = iter(clips)
    while failure is None:
        try:
            checked.append(check(next(clips), first + len(checked)))
        except Exception as error:  # StopIteration as well
            failure = error
        if checked and (failure or len(checked) == batch_size):
            yield Batch(first, checked)
            first, checked = first + len(checked), []
    if not isinstance(failure, StopIteration):
        raise failure


def check_clip(
    clip: Mapping[str, Any], index: int, dims: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Checks a clip and converts its frames to float32 `(num_frames, dim)`.

    Frames of an absent modality are missing, None or empty. The index is for
    messages.

    Raises:
        ValueError: If there is an unknown modality, frames have another shape
            or are not numbers, or there is no frame at all.
    """
    if not isinstance(clip, Mapping):
        raise ValueError(
            "Expected each clip as a mapping from modality to frames. "
            f"Received: {type(clip).__name__} for clip {index}. Pass for "
            "example {'rgb': frames}."
        )
    unknown = sorted(str(name) for name in set(clip) - set(dims))
    if unknown:
        raise ValueError(
            f"Expected modalities among {list(dims)}, which the model takes. "
            f"Received: {unknown} in clip {index}. Omit them."
        )
    frames = {
        name: _check_frames(clip.get(name), f"{name!r} of clip {index}", dim)
        for name, dim in dims.items()
    }
    if not any(map(len, frames.values())):
        raise ValueError(
            f"Expected a frame or more in one of {list(dims)}. Received: none "
            f"in clip {index}. Omit the clip."
        )
    return frames


def _check_frames(values, name, dim):
    if values is None:
        return np.zeros((0, dim), np.float32)
    try:
        frames = np.asarray(values)
    except ValueError as error:  # nested lists of different lengths
        raise ValueError(
            f"Expected frames of shape (num_frames, {dim}). Received: rows of "
            f"different lengths for {name}. Pass {dim} numbers in each row."
        ) from error
    if frames.shape == (0,):
        return np.zeros((0, dim), np.float32)
    if frames.dtype.kind not in "fiu":
        raise ValueError(
            f"Expected frames of numbers. Received: dtype={frames.dtype} for "
            f"{name}. Convert them to float32."
        )
    if frames.ndim != 2 or frames.shape[1] != dim:
        raise ValueError(
            f"Expected frames of shape (num_frames, {dim}). Received: "
            f"shape={frames.shape} for {name}. Pass {dim} numbers in each row."
        )
    with np.errstate(over="ignore"):  # to infinity, which the server rejects
        return frames.astype(np.float32)


def pad_clips(
    clips: list[dict[str, np.ndarray]], dims: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Pads checked clips to one batch.

    Returns:
        For every modality float32 `(batch, num_frames, dim)`, of one frame or
        more, and int32 `MODALITY_num_frames` `(batch,)`.
    """
    inputs = {}
    for name, dim in dims.items():
        counts = [len(clip[name]) for clip in clips]
        # At least one frame: JSON has no dim for an empty list.
        shape = (len(clips), max(*counts, 1), dim)
        padded = np.zeros(shape, np.float32)
        for row, clip in zip(padded, clips, strict=True):
            row[: len(clip[name])] = clip[name]
        inputs[name] = padded
        inputs[name + COUNT] = np.array(counts, np.int32)
    return inputs


def split_outputs(
    outputs: Mapping[str, np.ndarray], batch: Batch
) -> list[Prediction]:
    """Splits the outputs of a batch, each `(batch, ...)`, into predictions.

    Raises:
        StatusError: If the outputs are of another number of clips.
    """
    num_clips = len(batch.clips)
    shapes = {name: x.shape for name, x in outputs.items()}
    fitting = all(shape[:1] == (num_clips,) for shape in shapes.values())
    if not fitting or not {"classes", "scores"} <= set(outputs):
        raise StatusError(
            "INTERNAL",
            f"outputs of shapes {shapes}, where classes and scores of "
            f"{num_clips} clips were expected",
        )
    return [
        _take_clip(outputs, row, clip) for row, clip in enumerate(batch.clips)
    ]


def _take_clip(outputs, row, clip):
    probabilities = outputs.get("probabilities")
    attention = {}
    for name, scores in outputs.items():
        if name.endswith(_ATTENTION):
            modality = name.removesuffix(_ATTENTION)
            attention[modality] = scores[row][:, : len(clip[modality])]
    return Prediction(
        tuple(
            x.decode() if isinstance(x, bytes) else x
            for x in outputs["classes"][row]
        ),
        outputs["scores"][row],
        None if probabilities is None else probabilities[row],
        attention or None,
    )


def check_record(record: Any, index: int) -> bytes:
    """Checks that a record is bytes, and returns it."""
    if not isinstance(record, bytes):
        raise ValueError(
            "Expected serialized records as bytes. Received: "
            f"{type(record).__name__} for clip {index}. Serialize examples "
            "with SerializeToString()."
        )
    return record


def parse_example(record: Any, index: int) -> tf.train.Example:
    """Parses a record, or raises ValueError."""
    record = check_record(record, index)
    try:
        return tf.train.Example.FromString(record)
    except Exception as error:  # DecodeError of any protobuf implementation
        raise ValueError(
            "Expected serialized tf.train.Example records. Received: clip "
            f"{index}, which is truncated or has another format. Write it "
            "again or omit it."
        ) from error


def record_encoder(
    signature: ServedSignature,
) -> Callable[[list[bytes]], dict[str, np.ndarray]]:
    """Returns a function that converts records to a signature's inputs."""
    specs = list(signature.inputs.values())
    if len(specs) != 1 or specs[0].dtype != tf.string:
        raise ValueError(
            "Expected a signature that takes records. Received: signature="
            f"{signature.name!r}, which takes {list(signature.inputs)}. Export "
            "the model with signatures of this package."
        )
    return lambda records: {specs[0].name: np.array(records, object)}
