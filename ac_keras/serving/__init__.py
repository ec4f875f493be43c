"""From a trained model to a SavedModel that TensorFlow Serving loads.

And to the files of other runtimes: see `export_runtime`.
"""

from ac_keras.serving.deployment import write_deployment
from ac_keras.serving.export import TOP_K
from ac_keras.serving.export import export_saved_model
from ac_keras.serving.litert_file import export_litert
from ac_keras.serving.onnx_file import export_onnx
from ac_keras.serving.openvino_file import export_openvino
from ac_keras.serving.other_runtimes import RUNTIMES
from ac_keras.serving.other_runtimes import RuntimeCheck
from ac_keras.serving.other_runtimes import check_runtime
from ac_keras.serving.other_runtimes import export_runtime
from ac_keras.serving.other_runtimes import open_runtime
from ac_keras.serving.saved_model_check import SavedModelCheck
from ac_keras.serving.saved_model_check import check_saved_model

__all__ = [
    "RUNTIMES",
    "TOP_K",
    "RuntimeCheck",
    "SavedModelCheck",
    "check_runtime",
    "check_saved_model",
    "export_litert",
    "export_onnx",
    "export_openvino",
    "export_runtime",
    "export_saved_model",
    "open_runtime",
    "write_deployment",
]
