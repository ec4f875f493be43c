"""Classifiers whose files other runtimes open, and which runtimes are here."""

import importlib.util

import numpy as np
import pytest

from ac_keras import cluster_classifier
from ac_keras.layers import AttentionCluster
from ac_keras.layers import ShiftingCluster
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DIMS
from support.serving.served_classifier import as_batches
from support.serving.served_classifier import draw_clips
from support.serving.served_classifier import make_classifier

NEEDED = {
    "onnx": ("tf2onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "litert": (),
}
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite"}
RUNTIMES = [
    pytest.param(
        runtime,
        marks=pytest.mark.skipif(
            any(importlib.util.find_spec(name) is None for name in names),
            reason=f"{' and '.join(names)} not installed",
        ),
    )
    for runtime, names in NEEDED.items()
]
BATCHES = {
    "one_clip": draw_clips(1, 3, 2),
    "five_clips": draw_clips(5, 9, 4, seed=1),
    "one_frame": draw_clips(3, 1, 1, seed=2),
    "long_clips": draw_clips(2, 300, 40, seed=3),
}


def make_multi_label():
    """Sigmoids, and a mean feature where the audio is absent."""
    mean_features = {"audio": np.arange(1.0, 5.0)}
    return make_classifier(multi_label=True, mean_features=mean_features)


def make_weightings():
    """The weightings that `make_classifier` has not."""
    clusters = {
        "rgb": ShiftingCluster(3, weighting="fc2"),
        "audio": AttentionCluster(2, weighting="average"),
    }
    return cluster_classifier(DIMS, clusters, len(CLASS_NAMES))


def some_batches(*names):
    pairs = [
        (BATCHES[name], np.zeros(len(BATCHES[name]["rgb"]))) for name in names
    ]
    return as_batches(*pairs)


def probabilities(model, inputs):
    return model(inputs, training=False).numpy()
