"""A trained model and the dataset that it is to work on."""

import os
import pathlib

import keras

from ac_keras import layers  # noqa: F401
from ac_keras.pipeline import Description

# Not named here, but makes the layers known to load_model.


def load_classifier(
    path: str | os.PathLike, description: Description
) -> keras.Model:
    """Loads a `model.keras` and checks that it fits a dataset.

    Args:
        path: The file.
        description: The dataset.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no model of `cluster_classifier`, or one of other
            classes or modalities than the dataset's.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(
            f"Expected a run's model.keras. Received: {path}, where there is "
            "no file. Name one; a run writes it at its end."
        )
    try:
        model = keras.models.load_model(path)
        modalities = model.get_layer("clusters").modalities
        model.get_layer("logits")
    except (ValueError, TypeError, OSError) as error:  # Keras raises any.
        raise ValueError(
            f"Expected a model that trainers/train.py saved. Received: {path}, "
            f"which is another file ({str(error).splitlines()[0]}). Name a "
            "run's model.keras."
        ) from error
    dims = {name: model.input[name].shape[-1] for name in modalities}
    _check_modalities(path, dims, description)
    _check_classes(path, model, description)
    return model


def _check_modalities(path, dims, description):
    stored = {name: x.dim for name, x in description.modalities.items()}
    if any(stored.get(name) != dim for name, dim in dims.items()):
        raise ValueError(
            f"Expected modalities of dims {dims}, which {path} was trained on. "
            f"Received: {description.name} with {stored}. Name the model's own "
            "dataset."
        )


def _check_classes(path, model, description):
    num_classes = model.output_shape[-1]
    activation = model.get_layer("probabilities").activation
    multi_label = activation is keras.activations.sigmoid
    if num_classes == description.num_classes and (
        multi_label == description.multi_label
    ):
        return
    raise ValueError(
        f"Expected {num_classes} classes and multi_label={multi_label}, which "
        f"{path} was trained on. Received: {description.name} with "
        f"{description.num_classes} classes and "
        f"multi_label={description.multi_label}. Name the model's own dataset."
    )
