"""Pictures and pages: attention maps, curves over the epochs, reports."""

from ac_keras.visualization.accuracy_curves import save_accuracy_curves
from ac_keras.visualization.attended_clip import AttendedClip
from ac_keras.visualization.attended_clip import attended_clips
from ac_keras.visualization.attention_maps import save_attention_maps
from ac_keras.visualization.attention_picture import attention_picture
from ac_keras.visualization.cell_curves import save_cell_curves
from ac_keras.visualization.preview_attention import save_preview_attention
from ac_keras.visualization.report import write_report
from ac_keras.visualization.size_curves import SizeCurve
from ac_keras.visualization.size_curves import save_size_curves

__all__ = [
    "AttendedClip",
    "SizeCurve",
    "attended_clips",
    "attention_picture",
    "save_accuracy_curves",
    "save_attention_maps",
    "save_cell_curves",
    "save_preview_attention",
    "save_size_curves",
    "write_report",
]
