"""Clips with what a model made of them and what it attended to."""

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


@dataclasses.dataclass(frozen=True)
class AttendedClip:
    """One clip, a model's answer and where the answer comes from.

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
    def right(self) -> bool:
        """Whether the best prediction is among the labels."""
        return self.predictions[0][0] in self.labels


def attended_clips(
    model: keras.Model,
    batches: tf.data.Dataset,
    class_names: Sequence[str],
    num_clips: int = 3,
    *,
    max_batches: int = 16,
    previews: str | os.PathLike | None = None,
) -> tuple[list[AttendedClip], list[AttendedClip]]:
    """Finds the first clips that a model has right and has wrong.

    Batches are read until there are enough of both.

    Args:
        model: A model of `cluster_classifier`, or what `attention_model` made
            of one, which is then not made again.
        batches: Triples of features, labels and ids, as `evaluation_batches`
            gives them with `with_ids=True`. Labels are integers `(batch,)` or
            0 and 1, `(batch, num_classes)`.
        class_names: One name a class.
        num_clips: How many clips of either kind, at most.
        max_batches: How many batches to read, at most.
        previews: The dataset's `previews.npz`. Its images are taken for the
            clips that it keeps in full; it need not exist.

    Returns:
        The right and the wrong clips, in the dataset's order.
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
        right = _has_label(outputs["probabilities"].argmax(-1), labels)
        for kind, clips in found.items():
            for row in np.flatnonzero(right == kind)[: num_clips - len(clips)]:
                clips.append(
                    _clip(
                        np.asarray(ids)[row].decode(errors="replace"),
                        label_names(labels[row], class_names),
                        {name: x[row] for name, x in outputs.items()},
                        {
                            name: int(features[f"{name}_num_frames"][row])
                            for name in _modalities(outputs)
                        },
                        class_names,
                        images,
                    )
                )
        if all(len(clips) >= num_clips for clips in found.values()):
            break
    return found[True], found[False]


def label_names(
    labels: np.ndarray, class_names: Sequence[str]
) -> tuple[str, ...]:
    """Names the classes of one clip's labels.

    Args:
        labels: An integer, or 0 and 1, `(num_classes,)`.
        class_names: One name a class.
    """
    indices = np.flatnonzero(labels) if np.ndim(labels) else [labels]
    return tuple(class_names[int(index)] for index in indices)


def _has_label(guesses, labels):
    if labels.ndim == 1:
        return guesses == labels
    return labels[np.arange(len(labels)), guesses] > 0


def _modalities(outputs):
    ending = "_attention"
    return [x.removesuffix(ending) for x in outputs if x.endswith(ending)]


def _clip(clip_id, labels, outputs, num_frames, class_names, previews):
    probabilities = outputs["probabilities"]
    best = np.argsort(-probabilities, kind="stable")[:NUM_PREDICTIONS]
    images = {
        name: previews.of_clip(clip_id, name, count)
        for name, count in num_frames.items()
        if previews is not None and count
    }
    return AttendedClip(
        id=clip_id,
        labels=labels,
        predictions=tuple(
            (class_names[index], float(probabilities[index])) for index in best
        ),
        attention={
            name: outputs[f"{name}_attention"][:, :count]
            for name, count in num_frames.items()
        },
        images={name: x for name, x in images.items() if x is not None},
    )


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
