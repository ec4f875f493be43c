"""The backbones that a dataset was extracted with, or an error."""

import pathlib

from ac_keras.extraction import plan as kept_inputs
from ac_keras.extraction.clip_backbones import FOLDER
from ac_keras.extraction.clip_backbones import ClipBackbones
from ac_keras.extraction.clip_backbones import backbone_path
from ac_keras.extraction.dataset_backbones import hash_backbone
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.pipeline import Description


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
