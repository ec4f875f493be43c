"""Attention maps of the clips whose images a dataset keeps."""

import os

import keras

from ac_keras.models import attention_model
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization.attended_clip import label_names
from ac_keras.visualization.attention_maps import save_attention_maps
from ac_keras.visualization.previews import FILE_NAME
from ac_keras.visualization.previews import Previews

SHOWN_LABELS = 4


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
    width)`. Where it keeps fewer frames than a clip has, the first ones are
    drawn.

    Args:
        model: A model of `cluster_classifier`.
        manifest: The dataset.
        path: The PNG file to write.
        num_clips: How many clips to draw, at most.
        max_units: How many units to draw, at most; the first ones.

    Returns:
        Whether there was anything to draw: a dataset need not keep images,
        and `skip_damage` may have left out one of their clips.
    """
    file = manifest.directory / FILE_NAME
    previews = Previews(file)
    modality = next(
        (name for name in model.input if name in previews.images), None
    )
    if modality is None:
        return False
    count = min(num_clips, len(previews.ids))
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
    if not _are_same(file, previews.ids[:count], ids, manifest):
        return False
    outputs = attention_model(model).predict(features, verbose=0)
    names = manifest.description.class_names
    titles = [
        f"{name.decode()}: is {_label_text(label, names)}, taken for "
        f"{names[guess]}"
        for name, label, guess in zip(
            ids, labels, outputs["probabilities"].argmax(-1), strict=True
        )
    ]
    scores = outputs[f"{modality}_attention"][:, :max_units]
    images = previews.images[modality][:count]
    num_frames = min(scores.shape[2], images.shape[1])
    save_attention_maps(
        images[:, :num_frames], scores[..., :num_frames], titles, path
    )
    return True


def _label_text(label, class_names):
    names = label_names(label, class_names)
    shown = ", ".join(names[:SHOWN_LABELS]) or "without a label"
    more = len(names) - SHOWN_LABELS
    return f"{shown} and {more} more" if more > 0 else shown


def _are_same(file, expected, received, manifest):
    """Whether the images are of these clips, where records may be left out."""
    received = [name.decode() for name in received]
    if expected != received and not manifest.split("test").is_repaired:
        raise ValueError(
            f"Expected {file} to keep the first test clips, {received}. "
            f"Received: {expected}. Prepare the dataset anew."
        )
    return expected == received
