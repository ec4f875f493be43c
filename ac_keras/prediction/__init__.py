"""Predictions for records, splits and media files."""

from ac_keras.prediction.clip_predictor import ClipPrediction
from ac_keras.prediction.clip_predictor import ClipPredictor
from ac_keras.prediction.files import Outcome
from ac_keras.prediction.files import PredictionStopped
from ac_keras.prediction.files import predict_files
from ac_keras.prediction.row_writers import FORMATS
from ac_keras.prediction.top_classes import TopClasses
from ac_keras.prediction.top_classes import hash_file
from ac_keras.prediction.top_classes import predict_split

__all__ = [
    "ClipPrediction",
    "ClipPredictor",
    "FORMATS",
    "Outcome",
    "PredictionStopped",
    "TopClasses",
    "hash_file",
    "predict_files",
    "predict_split",
]
