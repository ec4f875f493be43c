"""Clips with a model's predictions and its attention."""

import dataclasses
import itertools
import os
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ac_keras.models import attention_model
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization.attention_maps import save_attention_maps
from ac_keras.visualization.previews import FILE_NAME
from ac_keras.visualization.previews import Previews

NUM_PREDICTIONS = 5
MAX_TITLE_LABELS = 4


@dataclasses.dataclass(frozen=True)
class AttendedClip:
    """One clip with a model's predictions and its attention.

    Attributes:
        id: The clip's name.
        labels: Names of its true classes.
        predictions: Pairs of a class's name and its probability, best first.
        attention: Mapping from modality to the units' weights, floats
            `(num_units, num_frames)`; no frames, or zeros, where the modality
            is absent.
        images: Mapping from modality to its frames, uint8 `(num_frames,
            height, width)`, where they are known.
    """

    id: str
    labels: tuple[str, ...]
    predictions: tuple[tuple[str, float], ...]
    attention: dict[str, np.ndarray]
    images: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def is_correct(self) -> bool:
        """Returns whether the best prediction is among the labels."""
        return self.predictions[0][0] in self.labels


def find_attended_clips(
    model: keras.Model,
    batches: tf.data.Dataset,
    class_names: Sequence[str],
    num_clips: int = 3,
    *,
    max_batches: int = 16,
    previews: str | os.PathLike | None = None,
) -> tuple[list[AttendedClip], list[AttendedClip]]:
    """Finds the first clips that a model classifies correctly and wrongly.

    Batches are read until there are enough clips of both kinds.

    Args:
        model: A model of `cluster_classifier`, or the result of
            `attention_model` for one, which is then not built again.
        batches: Triples of features, labels and ids, as from
            `evaluation_batches` with `with_ids=True`. Labels are integers
            `(batch,)` or 0 and 1, `(batch, num_classes)`.
        class_names: The name of each class.
        num_clips: Maximum number of clips of either kind.
        max_batches: Maximum number of batches to read.
        previews: The dataset's `previews.npz`, whose images are used for the
            clips that it holds in full. The file need not exist.

    Returns:
        The correct and the wrong clips, each in the dataset's order.
    """
    if not isinstance(model.output, dict):
        model = attention_model(model)
    images = Previews(previews) if previews is not None else None
    found = {True: [], False: []}
    for features, labels, ids in itertools.islice(batches, max_batches):
        labels = np.asarray(labels)
        outputs = {
            name: np.asarray(keras.ops.convert_to_numpy(value), np.float32)
            for name, value in model(
                {name: np.asarray(features[name]) for name in model.input},
                training=False,
            ).items()
        }
        guesses = outputs["probabilities"].argmax(-1)
        if labels.ndim == 1:
            correct = guesses == labels
        else:
            correct = labels[np.arange(len(labels)), guesses] > 0
        for kind, clips in found.items():
            rows = np.flatnonzero(correct == kind)
            for row in rows[: num_clips - len(clips)]:
                clip = _clip(
                    np.asarray(ids)[row].decode(errors="replace"),
                    _label_names(labels[row], class_names),
                    {name: x[row] for name, x in outputs.items()},
                    {name: x[row] for name, x in features.items()},
                    class_names,
                    images,
                )
                clips.append(clip)
        if all(len(clips) >= num_clips for clips in found.values()):
            break
    return found[True], found[False]


def save_preview_attention(
    model: keras.Model,
    manifest: Manifest,
    path: str | os.PathLike,
    num_clips: int = 3,
    max_units: int = 8,
) -> bool:
    """Draws a model's attention to the first clips of the test split.

    A dataset may keep the images of its first test clips in `previews.npz`:
    `ids`, and under a modality's name uint8 `(num_clips, num_frames, height,
    width)`. If it keeps fewer frames than a clip has, only those are drawn.

    Args:
        model: A model of `cluster_classifier`.
        manifest: The dataset.
        path: The PNG file to write.
        num_clips: Maximum number of clips to draw.
        max_units: Maximum number of units to draw; the first ones are drawn.

    Returns:
        Whether a plot was written: a dataset need not keep images, and
        `skip_corrupt_records` may have left out one of their clips.

    Raises:
        ValueError: If the images are of other clips.
    """
    file = manifest.directory / FILE_NAME
    previews = Previews(file)
    modality = next(
        (name for name in model.input if name in previews.images), None
    )
    if modality is None:
        return False
    count = min(num_clips, len(previews.ids))
    modalities = manifest.description.modalities
    batches = evaluation_batches(
        manifest,
        "test",
        batch_size=count,
        modalities=[name for name in modalities if name in model.input],
        with_ids=True,
    )
    features, labels, ids = next(batches.as_numpy_iterator())
    if not _match(file, previews.ids[:count], ids, manifest):
        return False
    outputs = attention_model(model).predict(features, verbose=0)
    names = manifest.description.class_names
    guesses = outputs["probabilities"].argmax(-1)
    titles = [
        f"{name.decode()}: is {_label_text(label, names)}, taken for "
        f"{names[guess]}"
        for name, label, guess in zip(ids, labels, guesses, strict=True)
    ]
    scores = outputs[f"{modality}_attention"][:, :max_units]
    images = previews.images[modality][:count]
    num_frames = min(scores.shape[2], images.shape[1])
    save_attention_maps(
        images[:, :num_frames], scores[..., :num_frames], titles, path
    )
    return True


def _label_names(labels, class_names):
    """Returns the names of an integer label, or of 0 and 1 `(num_classes,)`."""
    indices = np.flatnonzero(labels) if np.ndim(labels) else [labels]
    return tuple(class_names[int(index)] for index in indices)


def _clip(clip_id, labels, outputs, features, class_names, previews):
    probabilities = outputs["probabilities"]
    best = np.argsort(-probabilities, kind="stable")[:NUM_PREDICTIONS]
    attention, images = {}, {}
    for name in outputs:
        if not name.endswith("_attention"):
            continue
        modality = name.removesuffix("_attention")
        num_frames = int(features[f"{modality}_num_frames"])
        attention[modality] = outputs[name][:, :num_frames]
        if previews is not None and num_frames:
            found = previews.of_clip(clip_id, modality, num_frames)
            if found is not None:
                images[modality] = found
    return AttendedClip(
        id=clip_id,
        labels=labels,
        predictions=tuple(
            (class_names[index], float(probabilities[index])) for index in best
        ),
        attention=attention,
        images=images,
    )


def _label_text(label, class_names):
    names = _label_names(label, class_names)
    shown = ", ".join(names[:MAX_TITLE_LABELS]) or "without a label"
    more = len(names) - MAX_TITLE_LABELS
    return f"{shown} and {more} more" if more > 0 else shown


def _match(file, expected, received, manifest):
    """Returns whether the images are of these clips, or raises ValueError."""
    # They need not be if corrupt records are left out of the test split.
    received = [name.decode() for name in received]
    if expected != received and not manifest.split("test").is_repaired:
        raise ValueError(
            f"Expected {file} to keep the first test clips, {received}. "
            f"Received: {expected}. Prepare the dataset again."
        )
    return expected == received
