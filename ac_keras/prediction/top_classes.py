"""Most probable classes of clips."""

import hashlib
import os
from collections.abc import Iterator
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches


class TopClasses:
    """Computes the most probable classes of each clip of a batch.

    The model and the selection form one graph, so that only the selected
    classes are copied from the device. Batches may have any number of clips
    and frames.

    Args:
        model: A model of `cluster_classifier`.
        class_names: Class names in the order of the labels.
        top_k: Maximum number of classes per clip.

    Attributes:
        model: The model.
        top_k: Number of classes per clip.
    """

    def __init__(
        self, model: keras.Model, class_names: Sequence[str], top_k: int = 5
    ):
        self.model = model
        self.top_k = min(top_k, len(class_names))
        self._names = np.array(class_names, dtype=object)
        signature = {
            name: tf.TensorSpec(x.shape, x.dtype, name)
            for name, x in model.input.items()
        }
        self._choose = tf.function(self._graph, input_signature=[signature])

    def __call__(
        self, features: dict[str, tf.Tensor]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the top classes of a batch.

        Args:
            features: For each modality float32 `(batch, num_frames, dim)`,
                and int32 `MODALITY_num_frames` `(batch,)`.

        Returns:
            Names, objects `(batch, top_k)`, and scores, float32
            `(batch, top_k)`, best first.
        """
        scores, labels = self._choose(features)
        return self._names[labels.numpy()], scores.numpy()

    def _graph(self, features):
        probabilities = self.model(features, training=False)
        return tf.math.top_k(tf.cast(probabilities, tf.float32), self.top_k)


def predict_split(
    model: keras.Model,
    manifest: Manifest,
    split: str,
    *,
    top_k: int = 5,
    batch_size: int = 256,
    sample_size: int = 0,
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Predicts the most probable classes of a split's clips.

    Args:
        model: A model of `cluster_classifier`.
        manifest: The dataset.
        split: The split.
        top_k: Maximum number of classes per clip.
        batch_size: Clips per batch.
        sample_size: Frames taken at equal intervals from each clip and
            modality; 0 takes all.

    Yields:
        For each clip, in the split's order, its id, its labels as in
        `evaluation_batches`, names of classes, objects `(top_k,)`, and their
        scores, float32 `(top_k,)`, best first.
    """
    top_classes = TopClasses(model, manifest.description.class_names, top_k)
    batches = evaluation_batches(
        manifest,
        split,
        batch_size=batch_size,
        sample_size=sample_size,
        modalities=model.modalities,
        with_ids=True,
    )
    for features, labels, ids in batches:
        names = [clip_id.decode() for clip_id in ids.numpy()]
        yield from zip(
            names, labels.numpy(), *top_classes(features), strict=True
        )


def hash_file(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
