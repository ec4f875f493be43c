"""A run: its folder, log, errors, result and report."""

from ac_keras.runs.failures import describe_run
from ac_keras.runs.failures import explain
from ac_keras.runs.failures import explain_loss
from ac_keras.runs.failures import named_damage
from ac_keras.runs.finish import finish_run
from ac_keras.runs.finish import write_mean
from ac_keras.runs.load_classifier import load_classifier
from ac_keras.runs.report import write_report
from ac_keras.runs.run_log import RunLog
from ac_keras.runs.run_log import duration

__all__ = [
    "RunLog",
    "describe_run",
    "duration",
    "explain",
    "explain_loss",
    "finish_run",
    "load_classifier",
    "named_damage",
    "write_mean",
    "write_report",
]
