"""A training loop for one or several devices and hosts."""

from ac_keras.training.best_epoch import LAST
from ac_keras.training.best_epoch import BestEpoch
from ac_keras.training.checkpoints import RunState
from ac_keras.training.distribution import is_chief
from ac_keras.training.distribution import make_strategy
from ac_keras.training.distribution import num_hosts
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.evaluator import evaluation_metrics
from ac_keras.training.evaluator import metric_names
from ac_keras.training.evaluator import training_metrics
from ac_keras.training.schedules import Warmup
from ac_keras.training.schedules import make_schedule
from ac_keras.training.settings import choose_batch_size
from ac_keras.training.settings import choose_epochs
from ac_keras.training.settings import parse_initializer
from ac_keras.training.settings import parse_num_units
from ac_keras.training.trainer import BEST_WEIGHTS
from ac_keras.training.trainer import NonFiniteLossError
from ac_keras.training.trainer import RunStopped
from ac_keras.training.trainer import Trainer
from ac_keras.training.training_log import TrainingLog
from ac_keras.training.update_step import UpdateStep
from ac_keras.training.update_step import balanced_class_weights
from ac_keras.utils.processes import StopSignal

__all__ = [
    "BEST_WEIGHTS",
    "LAST",
    "BestEpoch",
    "Evaluator",
    "NonFiniteLossError",
    "RunState",
    "RunStopped",
    "StopSignal",
    "Trainer",
    "TrainingLog",
    "UpdateStep",
    "Warmup",
    "balanced_class_weights",
    "choose_batch_size",
    "choose_epochs",
    "evaluation_metrics",
    "is_chief",
    "make_schedule",
    "make_strategy",
    "metric_names",
    "num_hosts",
    "parse_initializer",
    "parse_num_units",
    "training_metrics",
]
