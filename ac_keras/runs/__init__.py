"""Training runs: folder, log, errors, result and report."""

from ac_keras.runs.failures import explain_errors
from ac_keras.runs.failures import explain_lost_hosts
from ac_keras.runs.failures import name_corrupt_records
from ac_keras.runs.finish import finish_classifier
from ac_keras.runs.load_classifier import load_classifier
from ac_keras.runs.report import write_report
from ac_keras.runs.run import Run
from ac_keras.runs.run import describe_run
from ac_keras.runs.run import flag_values
from ac_keras.runs.run import write_mean
from ac_keras.runs.run_log import RunLog
from ac_keras.runs.run_log import duration

__all__ = [
    "Run",
    "RunLog",
    "describe_run",
    "duration",
    "explain_errors",
    "explain_lost_hosts",
    "finish_classifier",
    "flag_values",
    "load_classifier",
    "name_corrupt_records",
    "write_mean",
    "write_report",
]
