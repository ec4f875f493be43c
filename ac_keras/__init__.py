"""Attention clusters for video classification from local features.

This package exports the layers and the models, which run on every Keras
backend. Import `ac_keras.pipeline`, `ac_keras.training`, `ac_keras.serving`
and the other subpackages by name.
"""

from ac_keras.layers import AttentionCluster
from ac_keras.layers import AttentionUnit
from ac_keras.layers import FrameMask
from ac_keras.layers import FrameStandardization
from ac_keras.layers import MultimodalCluster
from ac_keras.layers import ShiftingCluster
from ac_keras.models import ClipClassifier
from ac_keras.models import attention_model
from ac_keras.models import cluster_classifier
from ac_keras.version import __version__

__all__ = [
    "AttentionCluster",
    "AttentionUnit",
    "ClipClassifier",
    "FrameMask",
    "FrameStandardization",
    "MultimodalCluster",
    "ShiftingCluster",
    "__version__",
    "attention_model",
    "cluster_classifier",
]
