"""From a trained model to a SavedModel that TensorFlow Serving loads."""

from ac_keras.serving.deployment import write_deployment
from ac_keras.serving.export import TOP_K
from ac_keras.serving.export import export_saved_model
from ac_keras.serving.saved_model_check import SavedModelCheck
from ac_keras.serving.saved_model_check import check_saved_model

__all__ = [
    "TOP_K",
    "SavedModelCheck",
    "check_saved_model",
    "export_saved_model",
    "write_deployment",
]
