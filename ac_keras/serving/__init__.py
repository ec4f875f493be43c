"""From a trained model to a SavedModel that is served, and to its clients."""

from ac_keras.serving.client import Client
from ac_keras.serving.export import export_saved_model
from ac_keras.serving.prediction import Prediction
from ac_keras.serving.saved_model_check import SavedModelCheck
from ac_keras.serving.saved_model_check import check_saved_model
from ac_keras.serving.served_signature import ServedSignature
from ac_keras.serving.served_split import predict_split
from ac_keras.serving.server_errors import ServerError
from ac_keras.serving.serving_options import ServingOptions
from ac_keras.serving.serving_options import frame_limit

__all__ = [
    "Client",
    "Prediction",
    "SavedModelCheck",
    "ServedSignature",
    "ServerError",
    "ServingOptions",
    "check_saved_model",
    "export_saved_model",
    "frame_limit",
    "predict_split",
]
