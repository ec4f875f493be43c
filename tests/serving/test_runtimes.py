"""Files for other runtimes: their answers, contents and errors."""

import re
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras.layers import AttentionCluster
from ac_keras.layers import ShiftingCluster
from ac_keras.serving import runtimes
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DIMS
from support.serving.served_classifier import as_batches
from support.serving.served_classifier import draw_clips
from support.serving.served_classifier import make_classifier
from support.serving.served_classifier import make_mixed_classifier
from support.serving.served_classifier import make_nan_classifier

NEEDED = {
    "onnx": ("tf2onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "litert": (),
}
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite"}
BATCHES = {
    "one_clip": draw_clips(1, 3, 2),
    "five_clips": draw_clips(5, 9, 4, seed=1),
    "one_frame": draw_clips(3, 1, 1, seed=2),
    "long_clips": draw_clips(2, 300, 40, seed=3),
}
MODELS = {
    "softmax": make_classifier,
    # With a mean feature where the audio is absent.
    "multi_label": lambda: make_classifier(
        multi_label=True, mean_features={"audio": np.arange(1.0, 5.0)}
    ),
    # The weightings that make_classifier does not have.
    "weightings": lambda: cluster_classifier(
        DIMS,
        {
            "rgb": ShiftingCluster(3, weighting="fc2"),
            "audio": AttentionCluster(2, weighting="average"),
        },
        len(CLASS_NAMES),
        standardize="feature",
    ),
}
# Opens a file where an import of TensorFlow fails.
PROGRAM = """
import sys
sys.modules.update(dict.fromkeys(("ac_keras", "keras", "tensorflow")))
import numpy as np
runtime, path, inputs, outputs = sys.argv[1:]
inputs = dict(np.load(inputs))
if runtime == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    np.save(outputs, session.run(["probabilities"], inputs)[0])
else:
    import openvino
    model = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    np.save(outputs, model(inputs)["probabilities"])
"""


def some_batches(*names):
    return as_batches(
        *((BATCHES[x], np.zeros(len(BATCHES[x]["rgb"]))) for x in names)
    )


def assert_same(predict, model, inputs):
    served = predict(inputs)
    assert served.dtype == np.float32
    expected = model(inputs, training=False).numpy()
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-5)


def path_of(runtime, folder):
    return folder / f"model{SUFFIXES[runtime]}"


@pytest.fixture(scope="module", params=NEEDED)
def runtime(request):
    for package in NEEDED[request.param]:
        pytest.importorskip(package)
    return request.param


@pytest.fixture(scope="module", params=MODELS)
def exported(request, runtime, tmp_path_factory):
    """A `model`, its file's `predict` and the `check` of its export."""
    model = MODELS[request.param]()
    path = path_of(runtime, tmp_path_factory.mktemp(runtime))
    check = serving.export_runtime(
        model, runtime, path, some_batches("five_clips", "one_clip")
    )
    return types.SimpleNamespace(
        model=model,
        multi_label=request.param == "multi_label",
        predict=serving.open_runtime(runtime, path),
        check=check,
    )


@pytest.mark.parametrize("name", BATCHES)
def test_batches_of_any_size_give_the_models_probabilities(name, exported):
    assert_same(exported.predict, exported.model, BATCHES[name])
    sums = exported.predict(BATCHES[name]).sum(axis=1)
    assert (np.abs(sums - 1).max() < 1e-5) == (not exported.multi_label)


def test_an_earlier_result_is_not_overwritten(exported):
    first = exported.predict(BATCHES["five_clips"])
    kept = first.copy()
    exported.predict({k: x[::-1] for k, x in BATCHES["five_clips"].items()})
    np.testing.assert_array_equal(first, kept)


def test_padding_may_hold_anything(exported):
    inputs = {name: x.copy() for name, x in BATCHES["five_clips"].items()}
    before = exported.predict(inputs)
    for name in DIMS:
        lengths = inputs[f"{name}_num_frames"][:, None]
        frames = inputs[name]
        frames[np.arange(frames.shape[1]) >= lengths] = np.nan
    np.testing.assert_array_equal(exported.predict(inputs), before)


@pytest.mark.parametrize(
    "absent, num_slots", [("rgb", 1), ("audio", 1), ("audio", 0)]
)
def test_a_modality_may_be_absent_from_all_clips(absent, num_slots, exported):
    inputs = dict(BATCHES["five_clips"])
    inputs[absent] = np.zeros((5, num_slots, DIMS[absent]), np.float32)
    inputs[f"{absent}_num_frames"] = np.zeros(5, np.int32)
    before = exported.predict(BATCHES["five_clips"])
    assert np.abs(exported.predict(inputs) - before).max() > 1e-3
    assert_same(exported.predict, exported.model, inputs)


def test_a_clip_does_not_depend_on_its_batch(exported):
    inputs = BATCHES["five_clips"]
    alone = exported.predict({name: x[2:3] for name, x in inputs.items()})
    together = exported.predict(inputs)[2:3]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-5)


def test_the_check_has_clips_and_difference_and_files(exported, runtime):
    assert exported.check.num_clips == 6
    assert 0 <= exported.check.max_difference <= 1e-5
    assert exported.check.path.is_file()
    files = {x.name for x in exported.check.path.parent.iterdir()}
    pair = {"model.xml", "model.bin"}
    single = {f"model{SUFFIXES[runtime]}"}
    assert files == (pair if runtime == "openvino" else single)


def test_a_file_that_gives_nan_does_not_appear(runtime, tmp_path):
    broken = make_nan_classifier()
    path = path_of(runtime, tmp_path / "folder")
    with pytest.raises(RuntimeError, match=f"Expected {runtime}.*of nan"):
        serving.export_runtime(broken, runtime, path, some_batches("one_clip"))
    assert not list(path.parent.iterdir())


def test_other_weights_are_detected(exported, runtime):
    other = make_classifier(seed=7)
    message = r"model's probabilities.*Received: a difference"
    with pytest.raises(RuntimeError, match=message):
        serving.check_runtime(
            other, runtime, exported.check.path, some_batches("five_clips")
        )


@pytest.mark.programs
@pytest.mark.parametrize("runtime", ["onnx", "openvino"], indirect=True)
def test_a_file_needs_its_runtime_alone(model, runtime, tmp_path):
    path, inputs = path_of(runtime, tmp_path), tmp_path / "inputs.npz"
    outputs = tmp_path / "outputs.npy"
    serving.export_runtime(model, runtime, path, some_batches("one_clip"))
    np.savez(inputs, **BATCHES["five_clips"])
    subprocess.run(
        [sys.executable, "-c", PROGRAM, runtime, path, inputs, outputs],
        check=True,
    )
    assert_same(lambda inputs: np.load(outputs), model, BATCHES["five_clips"])


def test_an_onnx_file_is_valid_and_has_named_free_dimensions(model, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    message = onnx.load(runtimes.export_onnx(model, tmp_path / "model.onnx"))
    onnx.checker.check_model(message, full_check=True)
    assert {x.domain: x.version for x in message.opset_import}[""] == 18
    assert {node.domain for node in message.graph.node} == {""}
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


def test_weights_that_an_onnx_file_cannot_hold_are_rejected(
    model, tmp_path, monkeypatch
):
    pytest.importorskip("tf2onnx")
    monkeypatch.setattr(runtimes, "MAX_ONNX_BYTES", 100)
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
    assert set(signature["inputs"]) == set(BATCHES["one_clip"])
    assert signature["outputs"] == ["probabilities"]


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_a_missing_extra_is_named(model, name, tmp_path, monkeypatch):
    for package in ("tf2onnx", "tf2onnx.convert", "onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, package, None)
    path = path_of(name, tmp_path)
    message = rf"(?s)Expected the package.*Install ac-keras\[{name}\]\."
    with pytest.raises(ImportError, match=message):
        serving.export_runtime(model, name, path, some_batches("one_clip"))
    path.touch()
    with pytest.raises(ImportError, match=message):
        serving.open_runtime(name, path)


def test_mixed_precision_is_rejected(runtime, tmp_path):
    mixed, path = make_mixed_classifier(), path_of(runtime, tmp_path)
    with pytest.raises(ValueError, match="computes in float32.*bfloat16"):
        serving.export_runtime(mixed, runtime, path, some_batches("one_clip"))


def test_an_unknown_runtime_suffix_or_file_is_rejected(model, tmp_path):
    path, batches = tmp_path / "model.plan", some_batches("one_clip")
    with pytest.raises(ValueError, match="Received: runtime='tensorrt'"):
        serving.export_runtime(model, "tensorrt", path, batches)
    for name, suffix in SUFFIXES.items():
        with pytest.raises(ValueError, match=re.escape(f"end in {suffix}")):
            serving.export_runtime(model, name, path, batches)
    with pytest.raises(FileNotFoundError, match="Received: .*none.tflite"):
        serving.open_runtime("litert", tmp_path / "none.tflite")


def test_no_clip_is_no_agreement(model, tmp_path):
    with pytest.raises(ValueError, match="at least one clip"):
        serving.export_runtime(
            model, "litert", tmp_path / "model.tflite", some_batches()
        )
    assert not list(tmp_path.iterdir())
