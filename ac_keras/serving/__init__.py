"""From a trained model to a SavedModel that TensorFlow Serving loads."""

from ac_keras.serving.client import Client
from ac_keras.serving.export import TOP_K
from ac_keras.serving.export import export_saved_model
from ac_keras.serving.prediction import Prediction
from ac_keras.serving.saved_model_check import SavedModelCheck
from ac_keras.serving.saved_model_check import check_saved_model
from ac_keras.serving.served_signature import ServedSignature
from ac_keras.serving.served_split import predict_split
from ac_keras.serving.server_errors import ServerError

__all__ = [
    "TOP_K",
    "Client",
    "Prediction",
    "SavedModelCheck",
    "ServedSignature",
    "ServerError",
    "check_saved_model",
    "export_saved_model",
    "predict_split",
]
