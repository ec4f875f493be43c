"""The model of a cell of Table 1."""

import keras

from ac_keras import training
from ac_keras.layers import AttentionCluster
from ac_keras.layers import ShiftingCluster
from ac_keras.models import cluster_classifier
from ac_keras.pipeline import Manifest
from ac_keras.sweep.cell import HIDDEN_UNITS
from ac_keras.sweep.cell import Cell
from ac_keras.sweep.protocols import Protocol


def build_model(
    cell: Cell,
    protocol: Protocol,
    manifest: Manifest,
    shifting_class: type[ShiftingCluster] = ShiftingCluster,
) -> keras.Model:
    """Builds the cell's classifier.

    Args:
        cell: The cell.
        protocol: How it is trained.
        manifest: The dataset.
        shifting_class: The layer of shifted cells.

    Raises:
        ValueError: If the dataset has several modalities, or several labels
            a clip.
    """
    check_dataset(manifest)
    description = manifest.description
    ((name, modality),) = description.modalities.items()
    arguments = (cell.num_units, cell.weighting, HIDDEN_UNITS)
    if cell.shift:
        initializer = training.parse_initializer
        cluster = shifting_class(
            *arguments,
            alpha_initializer=initializer(protocol.alpha_initializer),
            beta_initializer=initializer(protocol.beta_initializer),
            name=name,
        )
    else:
        cluster = AttentionCluster(*arguments, name=name)
    return cluster_classifier(
        {name: modality.dim},
        {name: cluster},
        description.num_classes,
        protocol.dropout,
    )


def check_dataset(manifest: Manifest) -> None:
    """Checks that cells can be trained on a dataset.

    Raises:
        ValueError: If it has several modalities, or several labels a clip.
    """
    description = manifest.description
    if description.multi_label:
        raise ValueError(
            "Expected a dataset with one label a clip, as Table 1 has. "
            f"Received: {manifest.directory} with multi_label=True. Use "
            "trainers/train.py for it."
        )
    if len(description.modalities) != 1:
        raise ValueError(
            "Expected a dataset with one modality, as Table 1 has. Received: "
            f"{manifest.directory} with {', '.join(description.modalities)}. "
            "Prepare it with one of them."
        )
