"""Backbones from TFLite, ONNX and SavedModel files."""

import json
import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.backbones import keras_hub_backbone
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.backbones.dataset_backbones import ClipBackbones
from ac_keras.extraction.backbones.dataset_backbones import audio_plan
from ac_keras.extraction.backbones.dataset_backbones import hash_backbone
from ac_keras.extraction.backbones.dataset_backbones import input_side
from ac_keras.extraction.backbones.dataset_backbones import load_known_backbones
from ac_keras.extraction.backbones.dataset_backbones import make_backbone
from ac_keras.extraction.backbones.dataset_backbones import save_backbone
from ac_keras.extraction.backbones.input_format import parse_flag
from ac_keras.extraction.backbones.loading import choose_backbone
from ac_keras.extraction.backbones.model_file import ModelFile
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.extract import extract_files
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.writer import write_mp4
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import RgbPlan
from ac_keras.extraction.plan import WaveformPlan
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

SIDE, DIM = 8, 5
KINDS = (".tflite", ".onnx", ".saved_model")
SCALE, OFFSET = 1 / 127.5, -1.0
RANGE = {"scale": SCALE, "offset": OFFSET}
KERNEL = np.random.default_rng(0).normal(size=(3, DIM)).astype(np.float32)


def reference_features(pixels):
    """Mean colors in [-1, 1], times a matrix, then ReLU."""
    means = (pixels.astype(np.float64) * SCALE + OFFSET).mean(axis=(1, 2))
    return np.maximum(means @ KERNEL, 0)


def mean_colors(side=SIDE, batch=None):
    """The network of `reference_features`, without its preprocessing."""
    inputs = keras.Input((side, side, 3), batch_size=batch)
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(DIM, "relu", use_bias=False)
    model = keras.Model(inputs, dense(x))
    dense.set_weights([KERNEL])
    return model


def write_model(model, path):
    """Converts a Keras model to the kind of the path's suffix."""
    folder = path if path.suffix == ".saved_model" else path.with_suffix(".sm")
    if path.suffix == ".onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("tf2onnx")
        model(np.zeros([x or SIDE for x in model.input.shape], "float32"))
        model.export(path, format="onnx", verbose=False)
        return path
    model.export(folder, verbose=False)
    if path.suffix == ".tflite":
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        path.write_bytes(converter.convert())
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The network as a file of each kind."""
    folder = tmp_path_factory.mktemp("models")
    return {
        kind: write_model(mean_colors(), folder / f"net{kind}")
        for kind in KINDS
    }


def copy_model(path, folder):
    """Copies a model to a folder where a JSON file may lie beside it."""
    copy = shutil.copytree if path.is_dir() else shutil.copy
    return type(path)(copy(path, folder / path.name))


def random_pixels(count=3, side=SIDE, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, side, side, 3)).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_those_of_the_network(files, kind):
    model = ModelFile("rgb", files[kind], RANGE)
    pixels = random_pixels(7)
    expected = reference_features(pixels)
    assert expected.any()
    assert (model.input_shape, model.output_shape) == (
        (None, SIDE, SIDE, 3),
        (None, DIM),
    )
    np.testing.assert_allclose(model(pixels), expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_backbone_computes_the_same(files, kind, tmp_path):
    model = ModelFile("rgb", files[kind], RANGE)
    save_backbone(tmp_path, "rgb", model)
    plan = ExtractionPlan(EqualIntervals(1), {"rgb": RgbPlan(SIDE, SIDE)})
    loaded = ClipBackbones(tmp_path, plan)
    assert hash_backbone(loaded.models["rgb"]) == hash_backbone(model)
    pixels = random_pixels(40)
    np.testing.assert_allclose(
        loaded.features("rgb", pixels), reference_features(pixels), atol=1e-5
    )


def test_values_beside_the_model_are_read(files, tmp_path):
    path = copy_model(files[".tflite"], tmp_path)
    path.with_suffix(".json").write_text(json.dumps(RANGE))
    pixels = random_pixels()
    np.testing.assert_allclose(
        ModelFile("rgb", path)(pixels), reference_features(pixels), atol=1e-5
    )


def test_flags_replace_the_values_beside_the_model(files, tmp_path):
    path = copy_model(files[".saved_model"], tmp_path)
    beside = tmp_path / "net.saved_model.json"
    beside.write_text(json.dumps({"scale": 3.0, "offset": 7}))
    model = ModelFile("rgb", path, RANGE)
    assert (model.format.scale, model.format.offset) == (SCALE, OFFSET)


def test_scale_and_offset_may_differ_by_channel(files):
    given = {"scale": [0.5, 1.0, 2.0], "offset": [1.0, 0.0, -1.0]}
    pixels = random_pixels()
    means = (pixels * np.array(given["scale"]) + given["offset"]).mean((1, 2))
    np.testing.assert_allclose(
        ModelFile("rgb", files[".tflite"], given)(pixels),
        np.maximum(means @ KERNEL, 0),
        rtol=1e-4,
        atol=1e-3,
    )


def test_channels_first_models_receive_transposed_images(tmp_path):
    inputs = keras.Input((3, SIDE, 2 * SIDE))
    outputs = keras.ops.mean(inputs * np.arange(2 * SIDE), axis=(2, 3))
    path = write_model(keras.Model(inputs, outputs), tmp_path / "a.tflite")
    model = ModelFile("rgb", path, {"scale": 1})
    pixels = random_pixels(2, 2 * SIDE)[:, :SIDE]
    expected = (pixels * np.arange(2 * SIDE)[:, None]).mean((1, 2))
    np.testing.assert_allclose(model(pixels), expected, rtol=1e-5)
    assert model.input_shape == (None, SIDE, 2 * SIDE, 3)


def test_models_of_bytes_receive_pixels_as_they_are(tmp_path):
    class Bytes(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 4, 4, 3), tf.uint8)])
        def __call__(self, pixels):
            return tf.reduce_mean(tf.cast(pixels, tf.float32), (1, 2))

    module = Bytes()
    folder = tmp_path / "bytes"
    tf.saved_model.save(module, folder, module.__call__)
    pixels = random_pixels(3, 4)
    model = ModelFile("rgb", folder)
    np.testing.assert_allclose(model(pixels), pixels.mean((1, 2)), rtol=1e-5)


def test_a_quantized_model_is_close_to_its_network(tmp_path):
    folder = tmp_path / "net"
    mean_colors().export(folder, verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    pixels = random_pixels(64)
    converter.representative_dataset = lambda: (
        [x[None].astype(np.float32) * SCALE + OFFSET] for x in pixels
    )
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    path = tmp_path / "net.tflite"
    path.write_bytes(converter.convert())
    expected = reference_features(pixels)
    for given in (RANGE, {}):  # its real values, or bytes
        features = ModelFile("rgb", path, given)(pixels)
        assert np.abs(features - expected).max() < 0.1 * expected.max()


def test_a_fixed_number_of_inputs_per_call_is_padded(tmp_path):
    path = write_model(mean_colors(batch=4), tmp_path / "four.onnx")
    pixels = random_pixels(6)
    np.testing.assert_allclose(
        ModelFile("rgb", path, RANGE)(pixels),
        reference_features(pixels),
        atol=1e-5,
    )


def test_the_crop_follows_the_model(files):
    choice = BackboneChoice(str(files[".onnx"]), None, None, RANGE)
    assert input_side(choice) == SIDE


def test_another_crop_is_rejected(files):
    with pytest.raises(ValueError, match=r"\(9, 9, 3\).*\(8, 8, 3\).*--crop"):
        choose_backbone(
            "rgb", (9, 9, 3), source=str(files[".onnx"]), input_format=RANGE
        )


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "scale.*net.json beside the model.*--rgb_input=scale"),
        ({"offset": 1}, "scale to be a number"),
        ({"scale": "big"}, "scale to be a number.*'big'"),
        ({"scale": [1, 2]}, "3, one per channel.*1, 2"),
        ({"scal": 1}, "input_shape, layout, scale.*scal=1"),
        ({"layout": "CHW"}, "NHWC or NCHW.*CHW"),
        ({"scale": 1, "input_shape": [9, 9, 3]}, "fit.*9, 9, 3"),
        ({"scale": 1, "output": "x"}, "output to be one of.*'x'"),
    ],
)
def test_errors_name_what_is_missing_or_wrong(files, given, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        ModelFile("rgb", files[".tflite"], given)


def test_an_open_size_must_be_given(tmp_path):
    path = write_model(mean_colors(side=None), tmp_path / "open.onnx")
    with pytest.raises(ValueError, match="input_shape.*open.json"):
        ModelFile("rgb", path, RANGE)
    model = ModelFile("rgb", path, {**RANGE, "input_shape": [6, 6, 3]})
    assert model.input_shape == (None, 6, 6, 3)


def test_several_outputs_need_a_name(tmp_path):
    model = mean_colors()
    both = keras.Model(model.input, [model.output, model.output * 2])
    path = write_model(both, tmp_path / "two.saved_model")
    with pytest.raises(ValueError, match="output.*output_0, output_1"):
        ModelFile("rgb", path, RANGE)
    pixels = random_pixels()
    np.testing.assert_allclose(
        ModelFile("rgb", path, {**RANGE, "output": "output_1"})(pixels),
        2 * reference_features(pixels),
        atol=1e-5,
    )


def test_feature_maps_are_rejected(tmp_path):
    inputs = keras.Input((SIDE, SIDE, 3))
    path = write_model(keras.Model(inputs, inputs * 2), tmp_path / "a.tflite")
    with pytest.raises(ValueError, match="batch, dim.*8, 8, 3.*pooling"):
        ModelFile("rgb", path, RANGE)


@pytest.mark.parametrize("kind", [".tflite", ".onnx"])
@pytest.mark.parametrize("share", [0, 2])
def test_corrupt_files_are_rejected(files, tmp_path, kind, share):
    path = tmp_path / f"bad{kind}"
    content = files[kind].read_bytes()
    path.write_bytes(content[: len(content) // share] if share else b"text" * 9)
    with pytest.raises(ValueError, match=f"bad{kind}"):
        ModelFile("rgb", path, RANGE)


def test_a_missing_file_is_rejected(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        ModelFile("rgb", tmp_path / "a.onnx")


def waveform_model(path, window=400):
    inputs = keras.Input((window,))
    outputs = keras.layers.Dense(4, use_bias=False)(inputs)
    return write_model(keras.Model(inputs, outputs), path)


def test_audio_models_of_samples_define_the_windows(tmp_path):
    path = waveform_model(tmp_path / "audio.tflite")
    with pytest.raises(ValueError, match="step.*waveform.*audio.json"):
        ModelFile("audio", path, {"scale": 1})
    given = {"scale": 32767, "step": 100, "sample_rate": 8000, "padding": 7}
    choice = BackboneChoice(str(path), None, None, given)
    plan = audio_plan(choice, 96)
    assert plan == WaveformPlan(400, 100, 8000, 7)
    features = make_backbone("audio", plan, choice)(np.ones((2, 400)))
    assert features.shape == (2, 4) and np.abs(features).min() > 1


def test_audio_models_of_log_mel_patches_receive_them(tmp_path):
    inputs = keras.Input((96, 64))
    model = keras.Model(inputs, keras.ops.mean(inputs, axis=1))
    path = write_model(model, tmp_path / "mel.onnx")
    patches = np.random.default_rng(0).normal(size=(2, 96, 64, 1))
    choice = BackboneChoice(str(path), None, None, {"scale": 2, "offset": 1})
    backbone = make_backbone("audio", audio_plan(choice, 96), choice)
    expected = (2 * patches[..., 0] + 1).mean(1)
    np.testing.assert_allclose(backbone(patches), expected, atol=1e-5)


def test_values_are_rejected_where_a_backbone_has_its_own():
    with pytest.raises(ValueError, match="no --rgb_input.*small.*Leave"):
        choose_backbone("rgb", (32, 32, 3), source="small", input_format=RANGE)


def test_flags_are_parsed():
    items = ["scale=1;2;3", "offset=-1", "layout=NCHW", "input_shape=3;8;8"]
    assert parse_flag(items, "rgb_input") == {
        "input_shape": (3, 8, 8),
        "layout": "NCHW",
        "scale": (1, 2, 3),
        "offset": -1,
    }
    with pytest.raises(ValueError, match="name=value in --rgb_input.*'x'"):
        parse_flag(["x"], "rgb_input")


@pytest.mark.programs
@pytest.mark.parametrize("kind", KINDS)
def test_workers_extract_with_them(files, kind, tmp_path):
    pytest.importorskip("av")
    rows = []
    for number in range(2):
        path = tmp_path / f"{number}.mp4"
        write_mp4(path, list(random_pixels(10, 32, number)), 25)
        rows.append(ClipRow(path.name, ("a",), "", number + 2))
    choice = BackboneChoice(str(files[kind]), "imagenet", None, RANGE)
    plan = ExtractionPlan(EqualIntervals(4), {"rgb": RgbPlan(SIDE, SIDE)})

    def begin(choice):
        return extract_files(
            tmp_path / "records",
            tmp_path,
            {"train": rows},
            plan,
            {"rgb": choice},
            name="videos",
            class_names=None,
            dtype="float32",
            clips_per_shard=1,
            seed=0,
            settings={},
        )

    outcome = begin(choice).run(
        lambda job, tasks, hear: local_engine.run_shards(job, tasks, 2, hear), 1
    )
    assert outcome.is_complete and outcome.num_clips == 2
    manifest = Manifest.load(tmp_path / "records")
    load_known_backbones(
        tmp_path / "records", Description.load(tmp_path / "records"), plan
    )
    ((features, _),) = evaluation_batches(manifest, "train", batch_size=2)
    assert features["rgb"].shape == (2, 4, DIM)
    other = {**RANGE, "offset": 0.0}
    with pytest.raises(ValueError, match="another"):
        begin(BackboneChoice(str(files[kind]), "imagenet", None, other))


class FakeHub:
    """The parts of KerasHub that are used, with a network of few weights."""

    class models:  # noqa: N801
        class Backbone:
            @staticmethod
            def from_preset(preset, load_weights):
                if preset != "tiny":
                    raise ValueError("no such preset")
                inputs = keras.Input((None, None, 3))
                return keras.Model(inputs, inputs * 2)

    class layers:  # noqa: N801
        class ImageConverter:
            scale, offset, image_size = SCALE, OFFSET, (SIDE, SIDE)

            @classmethod
            def from_preset(cls, preset):
                return cls()


def test_presets_of_keras_hub_are_pooled(monkeypatch):
    monkeypatch.setattr(keras_hub_backbone, "import_keras_hub", lambda: FakeHub)
    choice = BackboneChoice("keras_hub:tiny", "imagenet")
    assert input_side(choice) == SIDE
    model = make_backbone("rgb", RgbPlan(SIDE, SIDE), choice)
    pixels = random_pixels()
    expected = 2 * (pixels * SCALE + OFFSET).mean((1, 2))
    np.testing.assert_allclose(model(pixels), expected, atol=1e-5)
    with pytest.raises(ValueError, match="'other': no such preset"):
        choose_backbone("rgb", (8, 8, 3), source="keras_hub:other")


def test_without_keras_hub_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match=r"ac-keras\[keras_hub\].*onnx"):
        choose_backbone("rgb", (8, 8, 3), source="keras_hub:tiny")


@pytest.mark.parametrize(
    "choice, flag",
    [
        (BackboneChoice("small", "imagenet"), "--rgb_backbone"),
        (BackboneChoice("MobileNetV2", None), "--rgb_weights"),
    ],
)
def test_random_weights_warn_and_name_the_flag(choice, flag, caplog):
    make_backbone("rgb", RgbPlan(32, 32), choice)
    (record,) = [x for x in caplog.records if "RANDOM" in x.getMessage()]
    assert flag in record.getMessage()


def test_trained_files_do_not_warn(files, caplog):
    choice = BackboneChoice(str(files[".tflite"]), None, None, RANGE)
    make_backbone("rgb", RgbPlan(SIDE, SIDE), choice)
    assert not caplog.records
