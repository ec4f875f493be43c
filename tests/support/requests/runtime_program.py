"""Runs files of ONNX Runtime and OpenVINO where TensorFlow is refused.

    python runtime_program.py FOLDER

reads FOLDER/inputs.npz and writes what FOLDER/model.onnx and FOLDER/model.xml
say to FOLDER/onnx.npy and FOLDER/openvino.npy, as far as they are there.
"""

import pathlib
import sys

import numpy as np

REFUSED = ("ac_keras", "keras", "tensorflow")


def run_onnx(path, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return session.run(["probabilities"], inputs)[0]


def run_openvino(path, inputs):
    import openvino

    precision = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", precision)
    return compiled(inputs)["probabilities"]


def main(folder):
    sys.modules.update(dict.fromkeys(REFUSED))  # An import of None fails.
    folder = pathlib.Path(folder)
    inputs = dict(np.load(folder / "inputs.npz"))
    if (folder / "model.onnx").is_file():
        np.save(folder / "onnx.npy", run_onnx(folder / "model.onnx", inputs))
    if (folder / "model.xml").is_file():
        outputs = run_openvino(folder / "model.xml", inputs)
        np.save(folder / "openvino.npy", outputs)


if __name__ == "__main__":
    main(sys.argv[1])
