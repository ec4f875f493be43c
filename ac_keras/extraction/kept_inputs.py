"""Datasets whose features are what backbones receive."""

from ac_keras.extraction.extraction_plan import NO_BACKBONE
from ac_keras.extraction.extraction_plan import ExtractionPlan
from ac_keras.pipeline import Description

SETTING = "extraction"  # of a description's settings


def plan_of(description: Description) -> ExtractionPlan:
    """Reads from a dataset's description how it was extracted.

    Raises:
        ValueError: If it was not extracted from media files.
    """
    if SETTING not in description.settings:
        raise ValueError(
            "Expected a dataset that data/videos/extract_features.py wrote. "
            f"Received: {description.name!r}, whose manifest tells of no "
            "media files. Extract one."
        )
    return ExtractionPlan.from_json(description.settings[SETTING]["plan"])


def input_shape_of(
    description: Description, modality: str
) -> tuple[int, int, int]:
    """Tells the shape of a modality's inputs in a dataset that keeps them.

    Raises:
        ValueError: If it does not.
    """
    plan = plan_of(description)
    backbones = description.settings[SETTING]["backbones"]
    kept = [name for name, x in backbones.items() if x["source"] == NO_BACKBONE]
    if modality not in kept:
        raise ValueError(
            f"Expected a dataset that keeps inputs of {modality}. Received: "
            f"{description.name!r}, which keeps those of {kept or 'none'}. "
            f"Extract one with --{modality}_backbone={NO_BACKBONE}."
        )
    return plan.modalities[modality].input_shape
