"""Predictions for a split of a dataset, clip by clip."""

from collections.abc import Iterator

import keras
import numpy as np

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.prediction.top_classes import TopClasses


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
