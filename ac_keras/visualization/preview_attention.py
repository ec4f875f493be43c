"""Attention maps of the clips whose images a dataset keeps."""

import os

import keras
import numpy as np

from ac_keras.models import attention_model
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization.attention_maps import save_attention_maps

PREVIEWS = "previews.npz"


def save_preview_attention(
    model: keras.Model,
    manifest: Manifest,
    path: str | os.PathLike,
    num_clips: int = 3,
    max_units: int = 8,
) -> bool:
    """Draws what a model attends to in the first clips of the test split.

    A dataset may keep the images of its first test clips in `previews.npz`:
    `ids`, and under a modality's name uint8 `(num_clips, num_frames, height,
    width)`.

    Args:
        model: A model of `cluster_classifier`.
        manifest: The dataset.
        path: The PNG file to write.
        num_clips: How many clips to draw, at most.
        max_units: How many units to draw, at most; the first ones.

    Returns:
        Whether there was anything to draw: a dataset need not keep images.
    """
    file = manifest.directory / PREVIEWS
    if not file.is_file():
        return False
    previews = np.load(file)
    modality = next(
        (name for name in model.input if name in previews.files), None
    )
    if modality is None:
        return False
    count = min(num_clips, len(previews["ids"]))
    features, labels, ids = next(
        evaluation_batches(
            manifest,
            "test",
            batch_size=count,
            modalities=[
                name
                for name in manifest.description.modalities
                if name in model.input
            ],
            with_ids=True,
        ).as_numpy_iterator()
    )
    _check_ids(file, previews["ids"][:count].tolist(), ids)
    outputs = attention_model(model).predict(features, verbose=0)
    names = manifest.description.class_names
    titles = [
        f"{name.decode()}: is {names[label]}, taken for {names[guess]}"
        for name, label, guess in zip(
            ids, labels, outputs["probabilities"].argmax(-1), strict=True
        )
    ]
    scores = outputs[f"{modality}_attention"][:, :max_units]
    save_attention_maps(previews[modality][:count], scores, titles, path)
    return True


def _check_ids(file, expected, received):
    received = [name.decode() for name in received]
    if expected != received:
        raise ValueError(
            f"Expected {file} to keep the first test clips, {received}. "
            f"Received: {expected}. Prepare the dataset anew."
        )
