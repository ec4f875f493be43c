"""A small classifier of two modalities, and clips of unlike lengths for it."""

import keras
import numpy as np

from ac_keras import cluster_classifier

DIMS = {"audio": 4, "rgb": 5}
CLUSTERS = {"rgb": 3, "audio": 2}  # Neither in DIMS' nor alphabetical order.
COUNTS = {"rgb": [6, 2, 1, 5], "audio": [4, 3, 0, 1]}
LENGTHS = {"rgb": 6, "audio": 4}
NUM_CLASSES = 7


def make_classifier(clusters=None, **kwargs):
    """A classifier with random weights, so that clips get unlike classes."""
    model = cluster_classifier(
        DIMS, clusters or CLUSTERS, NUM_CLASSES, **kwargs
    )
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


def draw_inputs(padding=0.0):
    rng = np.random.default_rng(2)
    inputs = {}
    for name, dim in DIMS.items():
        frames = rng.normal(size=(4, LENGTHS[name], dim)).astype("float32")
        for clip, count in zip(frames, COUNTS[name], strict=True):
            clip[count:] = padding
        inputs[name] = frames
        inputs[f"{name}_num_frames"] = np.array(COUNTS[name], "int32")
    return inputs


def mask_of(name):
    return np.arange(LENGTHS[name]) < np.array(COUNTS[name])[:, None]


def predict(model, inputs):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs))


def save_and_load(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")
