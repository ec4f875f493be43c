"""Pictures and pages: attention maps, curves over the epochs, reports."""

from digit_attention import AttendedKinds
from digit_attention import DigitAttention
from digit_attention import UnitDivergence
from digit_attention import favourite_kinds
from digit_attention import measure_digit_attention
from digit_pictures import ComparedAttention
from digit_pictures import save_attended_digits
from digit_pictures import save_attended_kinds
from digit_pictures import save_attention_comparison
from digit_pictures import save_flashed_clips
from figures import SizeCurve
from figures import save_cell_curves
from figures import save_size_curves

from ac_keras.runs.report import write_report
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
    "AttendedKinds",
    "ComparedAttention",
    "DigitAttention",
    "ExplainedModality",
    "SizeCurve",
    "UnitDivergence",
    "attended_clips",
    "attention_picture",
    "favourite_kinds",
    "measure_digit_attention",
    "name_runs",
    "save_accuracy_curves",
    "save_attended_digits",
    "save_attended_kinds",
    "save_attention_comparison",
    "save_attention_maps",
    "save_cell_curves",
    "save_clip_explanation",
    "save_flashed_clips",
    "save_preview_attention",
    "save_size_curves",
    "write_report",
]
