"""The backbones of a dataset: made once, kept beside its records."""

import dataclasses
import hashlib
import json
import pathlib

import keras
import numpy as np

from ac_keras.extraction.backbone_choice import choose_backbone
from ac_keras.extraction.clip_backbones import backbone_path
from ac_keras.extraction.plan import NO_BACKBONE
from ac_keras.extraction.plan import ModalityPlan
from ac_keras.pipeline import Modality
from ac_keras.utils import keras_files

PIXEL_RANGE = (0.0, 255.0)
SIDES = {"InceptionResNetV2": 299, "InceptionV3": 299, "Xception": 299}
USUAL_SIDE = 224


@dataclasses.dataclass(frozen=True)
class BackboneChoice:
    """A modality's backbone, as flags name it.

    Attributes:
        source: As in `choose_backbone`, or `"none"` to keep its inputs.
        weights: As there.
        inflate_from: As there.
    """

    source: str | None
    weights: str | None = None
    inflate_from: str | None = None


def input_side(choice: BackboneChoice) -> int:
    """Tells the side of the square that a backbone sees, in pixels.

    Raises:
        ValueError: If it sees squares of any size.
    """
    path = choice.inflate_from or choice.source
    if not path.endswith(".keras"):
        return SIDES.get(path, USUAL_SIDE)
    side = keras.models.load_model(path, compile=False).input_shape[1]
    if side is None:
        raise ValueError(
            f"Expected --crop, as {path} takes pictures of any size. "
            "Received: none. Give the side that it was trained with."
        )
    return side


def make_backbone(
    name: str, plan: ModalityPlan, choice: BackboneChoice
) -> keras.Model | None:
    """Makes a modality's backbone; None where its inputs are kept.

    Raises:
        ValueError: If there is no such network.
    """
    if choice.source == NO_BACKBONE:
        return None
    return choose_backbone(
        name,
        plan.input_shape,
        source=choice.source,
        weights=choice.weights,
        inflate_from=choice.inflate_from,
    )


def modality_of(
    plan: ModalityPlan, backbone: keras.Model | None, dtype: str
) -> Modality:
    """Tells how a modality's features are stored.

    Args:
        plan: What backbones receive.
        backbone: The backbone, if there is one.
        dtype: Of features that are floats.
    """
    if backbone is not None:
        return Modality(backbone.output_shape[-1], dtype)
    size = int(np.prod(plan.input_shape))
    if plan.input_dtype == "uint8":
        return Modality(size, "uint8", PIXEL_RANGE)
    return Modality(size, dtype)


def describe_backbone(
    choice: BackboneChoice, backbone: keras.Model | None
) -> dict[str, str | None]:
    """Tells a backbone from others, wherever its file lies.

    Returns:
        Its source, without folders, and the SHA-256 of its network and
        weights.
    """
    source = choice.source or choice.inflate_from
    settings = {"source": pathlib.Path(source).name}
    if backbone is not None:
        settings["sha256"] = hash_backbone(backbone)
    return settings


def hash_backbone(backbone: keras.Model) -> str:
    """Gives the SHA-256 of a network and its weights, saved or not."""
    digest = hashlib.sha256(_layers_of(backbone))
    for weights in backbone.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()


def save_backbone(
    directory: pathlib.Path, name: str, backbone: keras.Model
) -> None:
    """Keeps a backbone in a dataset's folder, for workers and `predict.py`."""
    path = backbone_path(directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    keras_files.save_model(backbone, path)


def _layers_of(backbone):
    """Lists kinds and shapes; names depend on what was built before."""
    kinds = [
        [type(layer).__name__, [list(x.shape) for x in layer.weights]]
        for layer in backbone.layers
    ]
    return json.dumps(kinds).encode()
