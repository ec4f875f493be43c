"""The backbones of a dataset: made once, kept beside its records."""

import dataclasses
import hashlib
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from ac_keras.extraction import plan as kept_inputs
from ac_keras.extraction.backbones.loading import choose_backbone
from ac_keras.extraction.plan import NO_BACKBONE
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import ModalityPlan
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.utils import keras_files

FOLDER = "backbones"  # of a dataset's folder
CHUNK = 32  # frames at a time


def backbone_path(directory: pathlib.Path, modality: str) -> pathlib.Path:
    """The file of a modality's backbone in a dataset's folder."""
    return directory / FOLDER / f"{modality}.keras"


class ClipBackbones:
    """Turns what was read of a clip into its local features.

    A clip goes through alone, so that its features do not depend on what else
    is extracted. A modality without a file keeps its inputs as features, one
    row a frame.

    Args:
        directory: The dataset's folder.
        plan: What is taken from a file.

    Attributes:
        models: The backbones, by modality.
    """

    def __init__(self, directory: pathlib.Path, plan: ExtractionPlan):
        self.models, self._apply = {}, {}
        for name, modality in plan.modalities.items():
            path = backbone_path(directory, name)
            if path.is_file():
                model = keras.models.load_model(path, compile=False)
                shape = (None, *modality.input_shape)
                self.models[name] = model
                self._apply[name] = _compiled(model, shape)

    def features(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """Computes a modality's features.

        Args:
            name: The modality.
            inputs: `(num_frames, *input_shape)`, uint8 or float32.

        Returns:
            `(num_frames, dim)`, float32 from a backbone, else of the inputs'
            dtype.
        """
        if name not in self._apply:
            return inputs.reshape(len(inputs), -1)
        parts = [
            self._apply[name](inputs[first : first + CHUNK].astype("float32"))
            for first in range(0, len(inputs), CHUNK)
        ]
        return np.concatenate(parts)


def _compiled(model, shape):
    """Makes a function that is traced once, for any number of frames."""
    signature = tf.TensorSpec(shape, tf.float32)

    @tf.function(input_signature=[signature])
    def apply(inputs):
        return tf.cast(model(inputs, training=False), tf.float32)

    return lambda inputs: apply(inputs).numpy()


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


def load_known_backbones(
    directory: pathlib.Path, description: Description, plan: ExtractionPlan
) -> ClipBackbones:
    """Loads the backbones of a dataset's folder.

    Args:
        directory: The folder, with `backbones/MODALITY.keras`.
        description: The dataset, which was extracted from media files.
        plan: What is taken from a file; backbones of other modalities need
            not be there.

    Returns:
        The backbones.

    Raises:
        ValueError: If one is missing or is not what the dataset's features
            were computed by.
    """
    settings = description.settings[kept_inputs.SETTING]["backbones"]
    for name in plan.modalities:
        expected = "sha256" in settings[name]
        path = backbone_path(directory, name)
        if expected and not path.is_file():
            raise _unknown(path, "no file", description)
        if not expected and path.is_file():
            raise _unknown(path, "one where inputs are features", description)
    try:
        backbones = ClipBackbones(directory, plan)
    except Exception as error:  # Keras raises any.
        reason = str(error).strip().partition("\n")[0]
        raise _unknown(directory / FOLDER, reason, description) from error
    for name, model in backbones.models.items():
        if hash_backbone(model) != settings[name]["sha256"]:
            path = backbone_path(directory, name)
            raise _unknown(path, "another network or weights", description)
    return backbones


def _unknown(path, found, description):
    return ValueError(
        f"Expected the backbone that {description.name} was extracted with. "
        f"Received: {path}, {found}. Copy the folder {FOLDER} from where the "
        "dataset was extracted, or extract it anew and train on that."
    )
