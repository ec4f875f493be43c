"""Attention clusters for video classification from local features.

Importing this package brings the layers and models, which run on every Keras
backend. `ac_keras.pipeline`, `ac_keras.serving`, `ac_keras.visualization`
and `ac_keras.datasets` are imported by their own names.
"""

from ac_keras.layers import AttentionCluster
from ac_keras.layers import AttentionUnit
from ac_keras.layers import FrameMask
from ac_keras.layers import MultimodalCluster
from ac_keras.layers import ShiftingCluster
from ac_keras.models import attention_model
from ac_keras.models import cluster_classifier
from ac_keras.version import __version__

__all__ = [
    "AttentionCluster",
    "AttentionUnit",
    "FrameMask",
    "MultimodalCluster",
    "ShiftingCluster",
    "__version__",
    "attention_model",
    "cluster_classifier",
]
