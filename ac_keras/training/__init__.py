"""Training that survives: one loop for one device, many, and many hosts."""

from ac_keras.training.best_epoch import BestEpoch
from ac_keras.training.class_weights import balanced_class_weights
from ac_keras.training.dry_run import describe_run
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.failures import explain
from ac_keras.training.final_test import evaluate
from ac_keras.training.final_test import export_and_check
from ac_keras.training.keras_files import save_model
from ac_keras.training.learning_rate import Warmup
from ac_keras.training.learning_rate import make_schedule
from ac_keras.training.run_log import RunLog
from ac_keras.training.run_state import RunState
from ac_keras.training.standard_metrics import evaluation_metrics
from ac_keras.training.standard_metrics import training_metrics
from ac_keras.training.stop_signal import StopSignal
from ac_keras.training.strategies import is_chief
from ac_keras.training.strategies import make_strategy
from ac_keras.training.trainer import BEST_WEIGHTS
from ac_keras.training.trainer import NonFiniteLossError
from ac_keras.training.trainer import RunStopped
from ac_keras.training.trainer import Trainer
from ac_keras.training.update_step import UpdateStep

__all__ = [
    "BEST_WEIGHTS",
    "BestEpoch",
    "Evaluator",
    "NonFiniteLossError",
    "RunLog",
    "RunState",
    "RunStopped",
    "StopSignal",
    "Trainer",
    "UpdateStep",
    "Warmup",
    "balanced_class_weights",
    "describe_run",
    "evaluate",
    "evaluation_metrics",
    "explain",
    "export_and_check",
    "is_chief",
    "make_schedule",
    "make_strategy",
    "save_model",
    "training_metrics",
]
