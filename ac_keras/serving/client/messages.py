"""What a served model takes and gives."""

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


@dataclasses.dataclass(frozen=True)
class Batch:
    """What goes into one request.

    Attributes:
        first: How many clips came before.
        clips: The clips, checked.
    """

    first: int
    clips: list[Any]

    def __str__(self) -> str:
        last = self.first + len(self.clips) - 1
        if last == self.first:
            return f"clip {last}"
        # So much for the numbers of clips in the server's own messages.
        relative = ", which it counts from 0" if self.first else ""
        return f"clips {self.first} to {last}{relative}"


def make_batches(
    clips: Iterable[Any],
    check: Callable[[Any, int], Any],
    batch_size: int,
) -> Iterator[Batch]:
    """Groups clips, the last batch being smaller if need be.

    Args:
        clips: May be endless.
        check: Takes a clip and its index; gives what is sent for it.
        batch_size: Clips in a batch.

    Yields:
        The batches. What a clip raises is raised when the clips before it
        were yielded.
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
    """Gives a clip's frames by modality, float32 `(num_frames, dim)`.

    Args:
        clip: Frames by modality; an absent one is missing, None or empty.
        index: The clip's place, for messages.
        dims: The modalities of the model and their dims.

    Raises:
        ValueError: If there is another modality, frames have another shape
            or are no numbers, or there is no frame at all.
    """
    if not isinstance(clip, Mapping):
        raise ValueError(
            "Expected each clip as a mapping from modality to frames. "
            f"Received: {type(clip).__name__} for clip {index}. Give for "
            "example {'rgb': frames}."
        )
    unknown = sorted(str(name) for name in set(clip) - set(dims))
    if unknown:
        raise ValueError(
            f"Expected modalities among {list(dims)}, which the model takes. "
            f"Received: {unknown} in clip {index}. Leave them out."
        )
    frames = {
        name: _check_frames(clip.get(name), f"{name!r} of clip {index}", dim)
        for name, dim in dims.items()
    }
    if not any(map(len, frames.values())):
        raise ValueError(
            f"Expected a frame or more in one of {list(dims)}. Received: none "
            f"in clip {index}. Leave the clip out."
        )
    return frames


def _check_frames(values, name, dim):
    if values is None:
        return np.zeros((0, dim), np.float32)
    try:
        frames = np.asarray(values)
    except ValueError as error:  # nested lists of unlike lengths
        raise ValueError(
            f"Expected frames of shape (num_frames, {dim}). Received: rows of "
            f"unlike lengths for {name}. Give every frame {dim} numbers."
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
            f"shape={frames.shape} for {name}. Give every frame {dim} numbers."
        )
    with np.errstate(over="ignore"):  # to infinity, which the server refuses
        return frames.astype(np.float32)


def pad_clips(
    clips: list[dict[str, np.ndarray]], dims: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Makes one batch of checked clips.

    Returns:
        For every modality float32 `(batch, num_frames, dim)`, of one frame or
        more, and int32 `MODALITY_num_frames` `(batch,)`.
    """
    inputs = {}
    for name, dim in dims.items():
        counts = [len(clip[name]) for clip in clips]
        shape = (len(clips), max(*counts, 1), dim)  # no dim in JSON's []
        padded = np.zeros(shape, np.float32)
        for row, clip in zip(padded, clips, strict=True):
            row[: len(clip[name])] = clip[name]
        inputs[name] = padded
        inputs[name + COUNT] = np.array(counts, np.int32)
    return inputs


_ATTENTION = "_attention"


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """A clip's most probable classes.

    Attributes:
        classes: Their names, best first.
        scores: Their probabilities, float32 `(top_k,)`.
        probabilities: Those of all classes, float32 `(num_classes,)`; None
            where the signature does not give them.
        attention: By modality, float32 `(num_units, num_frames)` of the
            clip's own frames; None where the signature does not give it.
    """

    classes: tuple[str, ...]
    scores: np.ndarray
    probabilities: np.ndarray | None = None
    attention: dict[str, np.ndarray] | None = None


def split_outputs(
    outputs: Mapping[str, np.ndarray], batch: Batch
) -> list[Prediction]:
    """Gives each clip of a batch its part of the outputs.

    Args:
        outputs: Arrays by name, each `(batch, ...)`.
        batch: What was sent.

    Raises:
        StatusError: If the outputs are not of so many clips.
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
    """Gives a record back.

    Raises:
        ValueError: If it is not bytes.
    """
    if not isinstance(record, bytes):
        raise ValueError(
            "Expected serialized records as bytes. Received: "
            f"{type(record).__name__} for clip {index}. Serialize examples by "
            "SerializeToString()."
        )
    return record


def parse_example(record: Any, index: int) -> tf.train.Example:
    """Gives the example that a record holds.

    Raises:
        ValueError: If it holds none.
    """
    record = check_record(record, index)
    try:
        return tf.train.Example.FromString(record)
    except Exception as error:  # protobuf's own
        raise ValueError(
            "Expected serialized tf.train.Example records. Received: clip "
            f"{index}, which is cut off or something else. Mend it or leave it "
            "out."
        ) from error


def record_encoder(
    signature: ServedSignature,
) -> Callable[[list[bytes]], dict[str, np.ndarray]]:
    """Gives what turns records into the inputs of a signature.

    Raises:
        ValueError: If the signature takes something else.
    """
    specs = list(signature.inputs.values())
    if len(specs) != 1 or specs[0].dtype != tf.string:
        raise ValueError(
            "Expected a signature that takes records. Received: signature="
            f"{signature.name!r}, which takes {list(signature.inputs)}. Export "
            "the model with signatures of this package."
        )
    return lambda records: {specs[0].name: np.array(records, object)}
