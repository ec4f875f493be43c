"""What a model server says of a clip."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ac_keras.serving.client.clip_batches import Batch
from ac_keras.serving.client.server_errors import StatusError

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
