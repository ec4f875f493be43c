"""What a runtime's file holds, what it needs, and what is refused."""

import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import serving
from ac_keras.serving import runtimes
from support.requests import runtime_program
from support.requests.runtime_files import BATCHES
from support.requests.runtime_files import NEEDED
from support.requests.runtime_files import RUNTIMES
from support.requests.runtime_files import SUFFIXES
from support.requests.runtime_files import probabilities
from support.requests.runtime_files import some_batches
from support.serving.served_classifier import make_classifier

PROGRAM = pathlib.Path(runtime_program.__file__)
INPUTS = {"rgb", "rgb_num_frames", "audio", "audio_num_frames"}


@pytest.mark.programs
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_file_needs_its_runtime_alone(model, runtime, tmp_path):
    for name in NEEDED[runtime]:
        pytest.importorskip(name)
    path = tmp_path / f"model{SUFFIXES[runtime]}"
    batches = some_batches("one_clip")
    serving.export_runtime(model, runtime, path, batches)
    np.savez(tmp_path / "inputs.npz", **BATCHES["five_clips"])
    subprocess.run([sys.executable, PROGRAM, tmp_path], check=True)
    served = np.load(tmp_path / f"{runtime}.npy")
    expected = probabilities(model, BATCHES["five_clips"])
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-5)


def test_an_onnx_file_is_sound_and_of_plain_operations(model, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    message = onnx.load(runtimes.export_onnx(model, tmp_path / "model.onnx"))
    onnx.checker.check_model(message, full_check=True)
    assert {x.domain: x.version for x in message.opset_import}[""] == 18
    assert {node.domain for node in message.graph.node} == {""}


def test_an_onnx_file_names_its_free_dimensions(model, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    message = onnx.load(runtimes.export_onnx(model, tmp_path / "model.onnx"))
    shapes = {
        value.name: [
            x.dim_param or x.dim_value for x in value.type.tensor_type.shape.dim
        ]
        for value in (*message.graph.input, *message.graph.output)
    }
    assert shapes == {
        "rgb": ["batch", "rgb_frames", 5],
        "rgb_num_frames": ["batch"],
        "audio": ["batch", "audio_frames", 4],
        "audio_num_frames": ["batch"],
        "probabilities": ["batch", 7],
    }


def test_weights_that_an_onnx_file_cannot_hold_are_refused(
    model, tmp_path, monkeypatch
):
    pytest.importorskip("tf2onnx")
    monkeypatch.setattr(runtimes, "LARGEST", 100)
    message = "less than 100 bytes.*Received: [0-9,]+ bytes"
    with pytest.raises(ValueError, match=message):
        runtimes.export_onnx(model, tmp_path / "model.onnx")


def test_openvino_files_have_free_dimensions_by_name(model, tmp_path):
    openvino = pytest.importorskip("openvino")
    path = runtimes.export_openvino(model, tmp_path / "model.xml")
    network = openvino.Core().read_model(path)
    shapes = {
        x.get_any_name(): [
            -1 if dim.is_dynamic else dim.get_length()
            for dim in x.get_partial_shape()
        ]
        for x in network.inputs
    }
    assert shapes == {
        "rgb": [-1, -1, 5],
        "rgb_num_frames": [-1],
        "audio": [-1, -1, 4],
        "audio_num_frames": [-1],
    }
    assert [x.get_any_name() for x in network.outputs] == ["probabilities"]


def test_a_litert_file_has_the_signature(model, tmp_path):
    path = runtimes.export_litert(model, tmp_path / "model.tflite")
    signatures = tf.lite.Interpreter(str(path)).get_signature_list()
    (signature,) = signatures.values()
    assert set(signature["inputs"]) == INPUTS
    assert signature["outputs"] == ["probabilities"]


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_missing_extra_is_named(model, runtime, tmp_path, monkeypatch):
    for name in ("tf2onnx", "tf2onnx.convert", "onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / f"model{SUFFIXES[runtime]}"
    message = rf"(?s)Expected the package.*Install ac-keras\[{runtime}\]\."
    with pytest.raises(ImportError, match=message):
        serving.export_runtime(model, runtime, path, some_batches("one_clip"))
    path.touch()
    with pytest.raises(ImportError, match=message):
        serving.open_runtime(runtime, path)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_mixed_precision_is_refused(runtime, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = make_classifier()
    finally:
        keras.config.set_dtype_policy(before)
    path = tmp_path / f"model{SUFFIXES[runtime]}"
    with pytest.raises(ValueError, match="computes in float32.*bfloat16"):
        serving.export_runtime(mixed, runtime, path, some_batches("one_clip"))


def test_a_runtime_that_is_not_known_is_refused(model, tmp_path):
    message = re.escape("Received: runtime='tensorrt'")
    with pytest.raises(ValueError, match=message):
        serving.export_runtime(
            model, "tensorrt", tmp_path / "model.plan", some_batches("one_clip")
        )


@pytest.mark.parametrize("runtime", SUFFIXES)
def test_a_file_of_another_ending_is_refused(model, runtime, tmp_path):
    path = tmp_path / "model.pb"
    with pytest.raises(ValueError, match=f"end in {SUFFIXES[runtime]}"):
        serving.export_runtime(model, runtime, path, some_batches("one_clip"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="Received: .*none.tflite"):
        serving.open_runtime("litert", tmp_path / "none.tflite")


def test_no_clip_is_no_agreement(model, tmp_path):
    with pytest.raises(ValueError, match="at least one clip"):
        serving.export_runtime(
            model, "litert", tmp_path / "model.tflite", some_batches()
        )
    assert not list(tmp_path.iterdir())
