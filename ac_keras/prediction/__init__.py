"""Predictions for any number of clips, written file by file."""

from ac_keras.prediction.bulk_prediction import Outcome
from ac_keras.prediction.bulk_prediction import predict_files
from ac_keras.prediction.file_predictor import PredictionStopped
from ac_keras.prediction.formats import FORMATS
from ac_keras.prediction.model_file import hash_file
from ac_keras.prediction.split_prediction import predict_split
from ac_keras.prediction.top_classes import TopClasses

__all__ = [
    "FORMATS",
    "Outcome",
    "PredictionStopped",
    "TopClasses",
    "hash_file",
    "predict_files",
    "predict_split",
]
