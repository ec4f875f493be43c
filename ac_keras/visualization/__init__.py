"""Pictures and pages: attention maps, curves over the epochs, reports."""

from ac_keras.visualization.attended_clips import AttendedClip
from ac_keras.visualization.attended_clips import attended_clips
from ac_keras.visualization.attended_clips import save_preview_attention
from ac_keras.visualization.attention_maps import attention_picture
from ac_keras.visualization.attention_maps import save_attention_maps
from ac_keras.visualization.clip_explanation import save_clip_explanation
from ac_keras.visualization.curves import name_runs
from ac_keras.visualization.curves import save_accuracy_curves
from ac_keras.visualization.explained_modality import ExplainedModality

__all__ = [
    "AttendedClip",
    "ExplainedModality",
    "attended_clips",
    "attention_picture",
    "name_runs",
    "save_accuracy_curves",
    "save_attention_maps",
    "save_clip_explanation",
    "save_preview_attention",
]
