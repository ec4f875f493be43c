"""Loads a trained classifier and checks that it fits a dataset."""

import os
import pathlib

import keras

from ac_keras.models import ClipClassifier
from ac_keras.models import as_clip_classifier
from ac_keras.pipeline import Description


def load_classifier(
    path: str | os.PathLike, description: Description
) -> ClipClassifier:
    """Loads a `model.keras` and checks that it fits a dataset.

    Args:
        path: The file, of this version or of version 0.1.0.
        description: The dataset.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no model of `cluster_classifier`, or if its
            classes or modalities differ from those of the dataset.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(
            f"Expected a run's model.keras. Received: {path}, where there is "
            "no file. Name one; a run writes it at its end."
        )
    try:
        model = as_clip_classifier(keras.models.load_model(path))
    except (ValueError, TypeError, OSError) as error:  # Keras raises any.
        raise ValueError(
            f"Expected a model that trainers/train.py saved. Received: {path}, "
            f"which is another file ({str(error).splitlines()[0]}). Name a "
            "run's model.keras."
        ) from error
    _check_modalities(path, model.dims, description)
    _check_classes(path, model, description)
    return model


def _check_modalities(path, dims, description):
    stored = {name: x.dim for name, x in description.modalities.items()}
    if any(stored.get(name) != dim for name, dim in dims.items()):
        raise ValueError(
            f"Expected modalities of dims {dims}, which {path} was trained on. "
            f"Received: {description.name} with {stored}. Use the dataset that "
            "the model was trained on."
        )


def _check_classes(path, model, description):
    if (model.num_classes, model.multi_label) == (
        description.num_classes,
        description.multi_label,
    ):
        return
    raise ValueError(
        f"Expected {model.num_classes} classes and multi_label="
        f"{model.multi_label}, which {path} was trained on. Received: "
        f"{description.name} with {description.num_classes} classes and "
        f"multi_label={description.multi_label}. Use the dataset that the "
        "model was trained on."
    )
