"""Layers that run on every Keras backend."""

from ac_keras.layers.attention_cluster import AttentionCluster
from ac_keras.layers.attention_unit import AttentionUnit
from ac_keras.layers.byte_dropout import ByteDropout
from ac_keras.layers.frame_mask import FrameMask
from ac_keras.layers.frame_standardization import FrameStandardization
from ac_keras.layers.multimodal_cluster import MultimodalCluster
from ac_keras.layers.shifting_cluster import ShiftingCluster
from ac_keras.layers.wide_dense import WideDense

__all__ = [
    "AttentionCluster",
    "AttentionUnit",
    "ByteDropout",
    "FrameMask",
    "FrameStandardization",
    "MultimodalCluster",
    "ShiftingCluster",
    "WideDense",
]
