"""Pictures: attention maps and accuracy over the epochs."""

from ac_keras.visualization.accuracy_curves import save_accuracy_curves
from ac_keras.visualization.attention_maps import save_attention_maps
from ac_keras.visualization.preview_attention import save_preview_attention

__all__ = [
    "save_accuracy_curves",
    "save_attention_maps",
    "save_preview_attention",
]
