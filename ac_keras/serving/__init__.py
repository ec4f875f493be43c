"""From a trained model to a SavedModel that is served, and to its clients.

And to the files of other runtimes: see `export_runtime`.
"""

from ac_keras.serving.client.client import Client
from ac_keras.serving.client.client import predict_split
from ac_keras.serving.client.errors import ServerError
from ac_keras.serving.client.messages import Prediction
from ac_keras.serving.client.messages import ServedSignature
from ac_keras.serving.deployment import check_model_name
from ac_keras.serving.deployment import fitting_model_name
from ac_keras.serving.deployment import write_deployment
from ac_keras.serving.export import export_saved_model
from ac_keras.serving.runtimes import RUNTIMES
from ac_keras.serving.runtimes import RuntimeCheck
from ac_keras.serving.runtimes import check_runtime
from ac_keras.serving.runtimes import export_runtime
from ac_keras.serving.runtimes import open_runtime
from ac_keras.serving.saved_model_check import SavedModelCheck
from ac_keras.serving.saved_model_check import check_saved_model
from ac_keras.serving.signatures import ServingOptions
from ac_keras.serving.signatures import frame_limit

__all__ = [
    "RUNTIMES",
    "Client",
    "Prediction",
    "RuntimeCheck",
    "SavedModelCheck",
    "ServedSignature",
    "ServerError",
    "ServingOptions",
    "check_model_name",
    "check_runtime",
    "check_saved_model",
    "export_runtime",
    "export_saved_model",
    "fitting_model_name",
    "frame_limit",
    "open_runtime",
    "predict_split",
    "write_deployment",
]
