"""A classifier of two modalities, its classes' names and clips for it."""

import numpy as np
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

DIMS = {"rgb": 5, "audio": 4}
CLUSTERS = {"rgb": 3, "audio": 2}
CLASS_NAMES = ("cat", "dog", "grey wolf", "naïve owl", "fox", "ox", "bee")
DESCRIPTION = Description(
    "animals",
    CLASS_NAMES,
    {"rgb": Modality(5, "float16"), "audio": Modality(4)},
)


def make_classifier(seed=0, **kwargs):
    """A classifier with random weights, so that clips get unlike classes."""
    model = cluster_classifier(DIMS, CLUSTERS, len(CLASS_NAMES), **kwargs)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


def draw_clips(batch, rgb, audio, seed=0):
    """Inputs of a batch whose last clip has no audio.

    Args:
        batch: How many clips.
        rgb: Frames of the longest clip.
        audio: The same for the other modality.
        seed: Decides features and counts.
    """
    rng = np.random.default_rng(seed)
    inputs = {}
    for (name, dim), length in zip(DIMS.items(), (rgb, audio), strict=True):
        frames = rng.normal(size=(batch, length, dim)).astype("float32")
        counts = rng.integers(1, length + 1, batch).astype("int32")
        counts[0] = length
        counts[-1] = 0 if name == "audio" else counts[-1]
        frames[np.arange(length) >= counts[:, None]] = 7.0  # padding
        inputs[name], inputs[f"{name}_num_frames"] = frames, counts
    return inputs


def as_batches(*pairs):
    """Pairs of features and labels as a dataset, batch sizes unlike."""

    def generate():
        for inputs, labels in pairs:
            yield inputs, np.asarray(labels, "int32")

    specs = {}
    for name, dim in DIMS.items():
        specs[name] = tf.TensorSpec((None, None, dim), tf.float32)
        specs[f"{name}_num_frames"] = tf.TensorSpec((None,), tf.int32)
    signature = (specs, tf.TensorSpec((None,), tf.int32))
    return tf.data.Dataset.from_generator(generate, output_signature=signature)
