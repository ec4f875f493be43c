"""From a trained model to a SavedModel that TensorFlow Serving loads."""

from ac_keras.serving.export import export_saved_model
from ac_keras.serving.saved_model_check import SavedModelCheck
from ac_keras.serving.saved_model_check import check_saved_model
from ac_keras.serving.serving_options import ServingOptions
from ac_keras.serving.serving_options import frame_limit

__all__ = [
    "SavedModelCheck",
    "ServingOptions",
    "check_saved_model",
    "export_saved_model",
    "frame_limit",
]
