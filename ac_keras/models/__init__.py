"""Functional models, built from the layers."""

from ac_keras.models.clip_classifier import ClipClassifier
from ac_keras.models.clip_classifier import as_clip_classifier
from ac_keras.models.clip_classifier import attention_model
from ac_keras.models.clip_classifier import cluster_classifier
from ac_keras.models.clip_classifier import logits_model
from ac_keras.models.frame_cnn import frame_cnn
from ac_keras.models.segment_network import segment_network
from ac_keras.models.small_cnn import small_cnn

__all__ = [
    "ClipClassifier",
    "as_clip_classifier",
    "attention_model",
    "cluster_classifier",
    "frame_cnn",
    "logits_model",
    "segment_network",
    "small_cnn",
]
