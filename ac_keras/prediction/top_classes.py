"""The most probable classes of clips."""

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
    """Names the most probable classes of each clip of a batch.

    Scoring and choosing are one graph, so that of a batch only the chosen
    classes leave it. Batches may have any number of clips and frames.

    Args:
        model: A model of `cluster_classifier`.
        class_names: One name a class, in the order of the labels.
        top_k: How many classes to name; all if there are fewer.
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
        """Names the classes.

        Args:
            features: For every modality float32 `(batch, num_frames, dim)`,
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
    """Names the most probable classes of a split's clips.

    Args:
        model: A model of `cluster_classifier`.
        manifest: The dataset.
        split: The split.
        top_k: How many classes to name; all if there are fewer.
        batch_size: Clips at a time.
        sample_size: Frames taken at equal intervals from each clip and
            modality; 0 takes all.

    Yields:
        For each clip, in the split's order, its id, its labels as
        `evaluation_batches` gives them, names of classes, objects `(top_k,)`,
        and their scores, float32 `(top_k,)`, best first.
    """
    top_classes = TopClasses(model, manifest.description.class_names, top_k)
    batches = evaluation_batches(
        manifest,
        split,
        batch_size=batch_size,
        sample_size=sample_size,
        modalities=model.get_layer("clusters").modalities,
        with_ids=True,
    )
    for features, labels, ids in batches:
        names = [clip_id.decode() for clip_id in ids.numpy()]
        yield from zip(
            names, labels.numpy(), *top_classes(features), strict=True
        )


def hash_file(path: str | os.PathLike) -> str:
    """Gives the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
