"""Predictions for any number of clips, written file by file."""

from ac_keras.prediction.files import Outcome
from ac_keras.prediction.files import PredictionStopped
from ac_keras.prediction.files import predict_files
from ac_keras.prediction.row_writers import FORMATS
from ac_keras.prediction.top_classes import TopClasses
from ac_keras.prediction.top_classes import hash_file
from ac_keras.prediction.top_classes import predict_split

__all__ = [
    "FORMATS",
    "Outcome",
    "PredictionStopped",
    "TopClasses",
    "hash_file",
    "predict_files",
    "predict_split",
]
