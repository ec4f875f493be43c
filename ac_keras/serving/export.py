"""Writing a versioned SavedModel."""

import os
import pathlib
import shutil
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras.models import attention_model

TOP_K = 5


def export_saved_model(
    model: keras.Model,
    directory: str | os.PathLike,
    class_names: Sequence[str],
    top_k: int = TOP_K,
) -> pathlib.Path:
    """Writes the next version of a model under a folder.

    TensorFlow Serving polls such a folder for new numbers; a version takes
    its number when it is complete. The signature `serving_default` takes, for
    every modality, the model's inputs:

    - `MODALITY`: float32 `(batch, num_frames, dim)`,
    - `MODALITY_num_frames`: int32 `(batch,)`, the frames that are real,

    any batch and any number of frames, and gives

    - `probabilities`: float32 `(batch, num_classes)`,
    - `classes` and `scores`: names and probabilities of the `top_k` most
      probable classes, strings and float32 `(batch, top_k)`, best first,
    - `MODALITY_attention`: float32 `(batch, num_units, num_frames)`.

    Args:
        model: A model of `cluster_classifier`.
        directory: The folder of the versions; made if need be.
        class_names: One name a class, in the order of the labels.
        top_k: How many classes to name; all if there are fewer.

    Returns:
        The new version's folder, `directory/NUMBER`.

    Raises:
        ValueError: If there is not one name a class.
    """
    num_classes = model.output.shape[-1]
    if len(class_names) != num_classes:
        raise ValueError(
            "export_saved_model expects one name for each of the model's "
            f"{num_classes} classes. Received: {len(class_names)} names."
        )
    if top_k < 1:
        raise ValueError(
            f"export_saved_model expects top_k of 1 or more. Received: {top_k}."
        )
    attention = attention_model(model)
    names = tf.constant([str(name) for name in class_names])

    def serve(inputs):
        outputs = {  # float32, whatever the model computes in
            name: tf.cast(x, tf.float32)
            for name, x in attention(inputs).items()
        }
        scores, labels = tf.math.top_k(
            outputs["probabilities"], min(top_k, num_classes)
        )
        return {
            **outputs,
            "scores": scores,
            "classes": tf.gather(names, labels),
        }

    archive = keras.export.ExportArchive()
    archive.track(attention)
    archive.add_endpoint("serve", serve, input_signature=[_specs(model)])
    return _write_version(archive, pathlib.Path(directory))


def _specs(model):
    return {
        name: tf.TensorSpec(x.shape, x.dtype, name)
        for name, x in model.input.items()
    }


def _write_version(archive, directory):
    """Writes under a name that no server takes for a version, then renames."""
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / f".{os.getpid()}.partial"
    try:
        archive.write_out(str(partial), verbose=False)
        version = directory / str(_next_version(directory))
        partial.rename(version)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return version


def _next_version(directory):
    numbers = [int(x.name) for x in directory.iterdir() if x.name.isdecimal()]
    return max(numbers, default=0) + 1
