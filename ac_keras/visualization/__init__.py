"""Pictures and pages: attention maps, curves over the epochs, reports."""

from ac_keras.visualization.accuracy_curves import save_accuracy_curves
from ac_keras.visualization.attended_clip import AttendedClip
from ac_keras.visualization.attended_clip import attended_clips
from ac_keras.visualization.attended_kinds import AttendedKinds
from ac_keras.visualization.attended_kinds import favourite_kinds
from ac_keras.visualization.attention_maps import save_attention_maps
from ac_keras.visualization.attention_picture import attention_picture
from ac_keras.visualization.preview_attention import save_preview_attention
from ac_keras.visualization.report import write_report
from ac_keras.visualization.run_names import name_runs
from ac_keras.visualization.unit_divergence import UnitDivergence

__all__ = [
    "AttendedClip",
    "AttendedKinds",
    "UnitDivergence",
    "attended_clips",
    "attention_picture",
    "favourite_kinds",
    "name_runs",
    "save_accuracy_curves",
    "save_attention_maps",
    "save_preview_attention",
    "write_report",
]
