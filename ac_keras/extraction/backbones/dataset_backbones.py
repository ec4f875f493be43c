"""Backbones of a dataset: built once, saved beside its records."""

import dataclasses
import hashlib
import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from ac_keras.extraction.backbones import keras_hub_backbone
from ac_keras.extraction.backbones import model_runners
from ac_keras.extraction.backbones import runtime_backbone
from ac_keras.extraction.backbones import speech_embedding
from ac_keras.extraction.backbones.loading import SMALL
from ac_keras.extraction.backbones.loading import SPEECH_EMBEDDING
from ac_keras.extraction.backbones.loading import choose_backbone
from ac_keras.extraction.backbones.loading import load_model_file
from ac_keras.extraction.backbones.model_file import ModelFile
from ac_keras.extraction.backbones.model_file import kind_of
from ac_keras.extraction.backbones.runtime_backbone import RuntimeBackbone
from ac_keras.extraction.backbones.speech_embedding import SpeechEmbedding
from ac_keras.extraction.plan import NO_BACKBONE
from ac_keras.extraction.plan import SETTING
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import ModalityPlan
from ac_keras.extraction.plan import WaveformPlan
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.utils import keras_files

FOLDER = "backbones"  # in a dataset's folder
CHUNK = 32  # frames per call of a backbone
PIXEL_RANGE = (0.0, 255.0)
SIDES = {"InceptionResNetV2": 299, "InceptionV3": 299, "Xception": 299}
DEFAULT_SIDE = 224
OTHER = "another network or other weights"
RUNTIMES = {
    SpeechEmbedding.suffix: SpeechEmbedding,
    **dict.fromkeys(model_runners.RUNNERS, ModelFile),
}


@dataclasses.dataclass(frozen=True)
class BackboneChoice:
    """A modality's backbone as flags name it.

    Attributes:
        source: As in `choose_backbone`, or `"none"` to store its inputs.
        weights: As in `choose_backbone`.
        inflate_from: As in `choose_backbone`.
        input_format: As in `choose_backbone`.
    """

    source: str | None
    weights: str | None = None
    inflate_from: str | None = None
    input_format: Mapping[str, Any] | None = None

    @property
    def is_random(self) -> bool:
        """True if its weights are random."""
        named = self.inflate_from is None and not (
            self.source in (NO_BACKBONE, SPEECH_EMBEDDING)
            or self.source.endswith(".keras")
            or kind_of(self.source)
        )
        return named and (self.source == SMALL or self.weights is None)


class ClipBackbones:
    """Computes the local features of a clip's inputs.

    Each clip is processed alone, so that its features do not depend on other
    clips. The inputs of a modality without a backbone file in the dataset's
    folder are its features, one row per frame.

    Attributes:
        models: Mapping from modality to backbone.
    """

    def __init__(self, directory: pathlib.Path, plan: ExtractionPlan):
        self.models, self._apply = {}, {}
        for name, modality in plan.modalities.items():
            path = find_backbone(directory, name)
            if path is not None:
                model = _load(path)
                shape = (None, *modality.input_shape)
                self.models[name] = model
                self._apply[name] = _compile(model, shape)

    def features(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """Computes a modality's features of `(num_frames, *input_shape)`.

        Returns:
            `(num_frames, dim)`, float32 from a backbone, otherwise in the
            inputs' dtype.
        """
        if name not in self._apply:
            return inputs.reshape(len(inputs), -1)
        parts = [
            self._apply[name](inputs[first : first + CHUNK].astype("float32"))
            for first in range(0, len(inputs), CHUNK)
        ]
        return np.concatenate(parts)


def input_side(choice: BackboneChoice) -> int:
    """Returns the side in pixels of the square that a backbone takes.

    Raises:
        ValueError: If it takes squares of any size.
    """
    path = choice.inflate_from or choice.source
    preset = keras_hub_backbone.preset_of(path)
    if preset is not None:
        return keras_hub_backbone.preset_side(preset)
    if kind_of(path):
        shape = load_model_file("rgb", path, choice.input_format).input_shape
        if shape[1] != shape[2]:
            raise ValueError(
                "Expected a network of square images, as frames are cropped to "
                f"squares. Received: {path} for {shape[1]} x {shape[2]} "
                "pixels. Convert it for a square."
            )
        return shape[1]
    if not path.endswith(".keras"):
        return SIDES.get(path, DEFAULT_SIDE)
    side = keras.models.load_model(path, compile=False).input_shape[1]
    if side is None:
        raise ValueError(
            f"Expected --crop, as {path} takes images of any size. "
            "Received: none. Pass the size that it was trained with."
        )
    return side


def audio_plan(choice: BackboneChoice, patch_step: int) -> ModalityPlan:
    """Returns the plan of the inputs that an audio backbone takes.

    Args:
        choice: The backbone.
        patch_step: Of log-mel patches, if it takes them.
    """
    if choice.source == SPEECH_EMBEDDING:
        return WaveformPlan(
            speech_embedding.WINDOW,
            speech_embedding.STEP,
            speech_embedding.SAMPLE_RATE,
            speech_embedding.PADDING,
        )
    if kind_of(choice.source):
        model = load_model_file("audio", choice.source, choice.input_format)
        if len(model.input_shape) == 2:
            fmt = model.format
            return WaveformPlan(
                model.input_shape[1],
                fmt.step,
                fmt.sample_rate,
                fmt.padding or 0,
            )
    return AudioPlan(patch_step)


def make_backbone(
    name: str, plan: ModalityPlan, choice: BackboneChoice
) -> keras.Model | RuntimeBackbone | None:
    """Builds a modality's backbone; None if its inputs are stored."""
    if choice.source == NO_BACKBONE:
        return None
    if choice.is_random:
        _warn_of_random_weights(name, choice)
    return choose_backbone(name, plan.input_shape, **dataclasses.asdict(choice))


def modality_of(
    plan: ModalityPlan,
    backbone: keras.Model | RuntimeBackbone | None,
    dtype: str,
) -> Modality:
    """Describes a modality's stored features; `dtype` is that of floats."""
    if backbone is not None:
        return Modality(backbone.output_shape[-1], dtype)
    size = int(np.prod(plan.input_shape))
    if plan.input_dtype == "uint8":
        return Modality(size, "uint8", PIXEL_RANGE)
    return Modality(size, dtype)


def describe_backbone(
    choice: BackboneChoice, backbone: keras.Model | RuntimeBackbone | None
) -> dict[str, str | None]:
    """Returns a backbone's source, without folders, and its SHA-256."""
    source = choice.source or choice.inflate_from
    settings = {"source": pathlib.Path(source).name}
    if backbone is not None:
        settings["sha256"] = hash_backbone(backbone)
    return settings


def hash_backbone(backbone: keras.Model | RuntimeBackbone) -> str:
    """Returns the SHA-256 of a network and its weights, saved or not."""
    if isinstance(backbone, RuntimeBackbone):
        return runtime_backbone.hash_contents(backbone.contents())
    # Types and shapes of layers; names depend on what was built before.
    kinds = [
        [type(layer).__name__, [list(x.shape) for x in layer.weights]]
        for layer in backbone.layers
    ]
    digest = hashlib.sha256(json.dumps(kinds).encode())
    for weights in backbone.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()


def backbone_path(directory: pathlib.Path, modality: str) -> pathlib.Path:
    """Returns the path of a modality's Keras backbone in a dataset."""
    return directory / FOLDER / f"{modality}.keras"


def find_backbone(
    directory: pathlib.Path, modality: str
) -> pathlib.Path | None:
    """Returns the path of a modality's backbone, None if there is none."""
    for suffix in (".keras", *RUNTIMES):
        path = directory / FOLDER / f"{modality}{suffix}"
        if path.exists():
            return path
    return None


def save_backbone(
    directory: pathlib.Path, name: str, backbone: keras.Model | RuntimeBackbone
) -> None:
    """Saves a backbone in a dataset's folder, for workers and `predict.py`."""
    path = backbone_path(directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(backbone, RuntimeBackbone):
        backbone.save(path.with_name(name + backbone.suffix))
        return
    keras_files.save_model(backbone, path)


def load_known_backbones(
    directory: pathlib.Path, description: Description, plan: ExtractionPlan
) -> ClipBackbones:
    """Loads the backbones of a dataset that was extracted from media files.

    Args:
        directory: Folder of the dataset, with `backbones/MODALITY.keras`.
        description: The dataset.
        plan: Plan of the modalities to load.

    Raises:
        ValueError: If a backbone is missing or differs from the one that
            computed the dataset's features.
    """
    settings = description.settings[SETTING]["backbones"]
    for name in plan.modalities:
        expected = "sha256" in settings[name]
        path = find_backbone(directory, name)
        if expected and path is None:
            path = backbone_path(directory, name)
            raise _backbone_error(path, "no file", description)
        if not expected and path is not None:
            reason = "a file although inputs are stored as features"
            raise _backbone_error(path, reason, description)
        if expected and path.suffix in RUNTIMES:
            # Before it is loaded: runtimes crash on corrupt files.
            contents = runtime_backbone.read_contents(path)
            found = runtime_backbone.hash_contents(contents)
            if found != settings[name]["sha256"]:
                raise _backbone_error(path, OTHER, description)
    try:
        backbones = ClipBackbones(directory, plan)
    except Exception as error:  # Keras raises any.
        reason = str(error).strip().partition("\n")[0]
        raise _backbone_error(
            directory / FOLDER, reason, description
        ) from error
    for name, model in backbones.models.items():
        if hash_backbone(model) != settings[name]["sha256"]:
            path = find_backbone(directory, name)
            raise _backbone_error(path, OTHER, description)
    return backbones


def _backbone_error(path, found, description):
    return ValueError(
        f"Expected the backbone that {description.name} was extracted with. "
        f"Received: {path}, {found}. Copy the folder {FOLDER} from where the "
        "dataset was extracted, or extract it again and train on that."
    )


def _warn_of_random_weights(name, choice):
    fix = f"pass a weights file with --{name}_weights"
    if choice.source == SMALL:
        fix = f"pass a trained --{name}_backbone"
    logging.warning(
        "The backbone %s of %s has RANDOM WEIGHTS: its features are untrained. "
        "For trained ones, %s.",
        choice.source,
        name,
        fix,
    )


def _load(path):
    if path.suffix == ".keras":
        if b"keras_hub" in zipfile.ZipFile(path).read("config.json"):
            keras_hub_backbone.import_keras_hub()  # registers its layers
        return keras.models.load_model(path, compile=False)
    return RUNTIMES[path.suffix].load(path)


def _compile(model, shape):
    """Returns a function that is traced once, for any number of frames."""
    if isinstance(model, RuntimeBackbone):
        return model

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def apply(inputs):
        return tf.cast(model(inputs, training=False), tf.float32)

    return lambda inputs: apply(inputs).numpy()
