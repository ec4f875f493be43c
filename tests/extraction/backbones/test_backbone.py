"""load_backbone: networks of keras.applications, and saved models."""

import json
import zipfile
from functools import partial

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones.inflation import inflate_input
from ac_keras.extraction.backbones.loading import application_names
from ac_keras.extraction.backbones.loading import application_preprocessing
from ac_keras.extraction.backbones.loading import load_backbone
from ac_keras.extraction.backbones.loading import load_saved_backbone
from support.error_parts import rejects
from support.media.gray_images import assert_alike
from support.media.gray_images import gray_images

layers = keras.layers

SIZE = 32
MODES = {
    "DenseNet201": "torch",
    "InceptionResNetV2": "tf",
    "InceptionV3": "tf",
    "MobileNetV2": "tf",
    "NASNetLarge": "tf",
    "ResNet50": "caffe",
    "ResNet152": "caffe",
    "ResNet152V2": "tf",
    "VGG19": "caffe",
    "Xception": "tf",
}
# Networks that do it themselves.
MODES |= dict.fromkeys(("ConvNeXtTiny", "EfficientNetB7", "MobileNetV3Large"))
# One of each mode: its module, and the mean color that it subtracts.
SMALL = {
    "DenseNet121": ("densenet", (123.675, 116.28, 103.53)),
    "MobileNet": ("mobilenet", (127.5, 127.5, 127.5)),
    "MobileNetV3Small": ("mobilenet_v3", (127.5, 127.5, 127.5)),
    "VGG16": ("vgg16", (123.68, 116.779, 103.939)),
}


IMAGES = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3))
IMAGES = IMAGES.astype(np.float32)


def build_application(name):
    keras.utils.set_random_seed(0)
    settings = {"weights": None, "input_shape": (SIZE, SIZE, 3)}
    build = getattr(keras.applications, name)
    return build(include_top=False, pooling="avg", **settings)


@pytest.fixture(scope="module", params=SMALL)
def trained(request, tmp_path_factory):
    """Name, file of weights and the application's own features."""
    path = tmp_path_factory.mktemp(request.param) / "notop.weights.h5"
    network = build_application(request.param)
    network.save_weights(path)
    module = getattr(keras.applications, SMALL[request.param][0])
    prepared = module.preprocess_input(IMAGES.copy())
    return request.param, path, network(prepared, training=False)


@pytest.fixture(scope="module")
def loaded(trained):
    name, path, _ = trained
    return load_backbone(name, size=SIZE, weights=path)


def test_features_are_the_application_s_behind_its_preprocessing(
    trained, loaded
):
    assert loaded.input_shape == (None, SIZE, SIZE, 3)
    assert_alike(loaded(IMAGES), trained[2])
    of_bytes = loaded(IMAGES.astype(np.uint8))
    assert_alike(of_bytes, trained[2])
    assert keras.backend.standardize_dtype(of_bytes.dtype) == "float32"


@pytest.mark.parametrize("trained", ["VGG16"], indirect=True)
def test_a_saved_backbone_needs_keras_alone(loaded, tmp_path):
    loaded.save(tmp_path / "backbone.keras")
    again = keras.models.load_model(tmp_path / "backbone.keras")
    assert_alike(again(IMAGES), loaded(IMAGES))
    with zipfile.ZipFile(tmp_path / "backbone.keras") as file:
        config = file.read("config.json").decode()
    assert json.loads(config)["class_name"] == "Functional"
    assert "ac_keras" not in config


@pytest.mark.parametrize(
    "trained", ["MobileNetV3Small", "VGG16"], indirect=True
)
def test_with_many_channels_it_is_inflated_and_sees_gray_as_before(
    trained, loaded
):
    name, path, _ = trained
    wide = load_backbone(name, size=SIZE, channels=10, weights=path)
    assert wide.input_shape == (None, SIZE, SIZE, 10)
    mean = np.array(SMALL[name][1])
    in_tint = gray_images(3, size=SIZE, tint=mean - mean.mean())
    assert_alike(wide(gray_images(10, size=SIZE)), loaded(in_tint), 1e-3)
    inflated = inflate_input(loaded, 10).get_weights()
    for found, expected in zip(wide.get_weights(), inflated, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", MODES)
def test_preprocessing_is_in_the_application_s_mode(name):
    found = application_preprocessing(name)(IMAGES.copy())
    expected = IMAGES.copy()
    if MODES[name]:
        expected = keras.applications.imagenet_utils.preprocess_input(
            expected, mode=MODES[name]
        )
    np.testing.assert_allclose(found, expected, rtol=1e-6 if MODES[name] else 0)


def test_every_application_has_a_name_and_a_preprocessing():
    names = application_names()
    assert {"InceptionResNetV2", "ResNet152", *SMALL} < set(names)
    for name in names:
        assert callable(application_preprocessing(name))


def test_files_of_efficientnet_s_own_kind_are_scaled_as_keras_scales_them(
    tmp_path,
):
    """Keras does so with "imagenet" alone: the variance is a deviation."""
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    network = build_application("EfficientNetB0")
    network.layers[2].set_weights([mean, deviation, np.array(0)])
    path = tmp_path / "notop.weights.h5"
    network.save_weights(path)
    loaded = load_backbone("EfficientNetB0", size=SIZE, weights=path)
    padded = loaded.get_layer("stem_conv_pad").output
    found = keras.Model(loaded.inputs, padded)(IMAGES)[:, :SIZE, :SIZE]
    expected = (IMAGES / 255 - mean) / deviation
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_without_weights_each_channel_has_filters_of_its_own():
    network = load_backbone("MobileNet", size=SIZE, channels=4, weights=None)
    kernel = network.get_layer("conv1").get_weights()[0]
    assert kernel.shape == (3, 3, 4, 32)
    assert np.abs(np.diff(kernel, axis=2)).max() > 0.01


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("resnet_152", "Similar names are ResNet152"),
        ("inception-resnet-v2", "Similar names are InceptionResNetV2"),
        ("xyz", "The names are ConvNeXtBase, "),
        ("runs/model.h5", "The names are"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(source, near):
    with rejects("keras.applications", source, near):
        load_backbone(source, size=SIZE)


@pytest.mark.parametrize("weights", [None, "imagenet"])
def test_a_size_too_small_is_answered_as_keras_does(weights):
    with rejects("can build", "at least 32x32", "a size"):
        load_backbone("VGG16", size=31, weights=weights)


def test_a_download_that_fails_is_answered_with_a_way_around(monkeypatch):
    def fail(**settings):
        raise Exception("URL fetch failure on https://example.org/x.h5")

    fail.__module__ = keras.applications.MobileNet.__module__
    monkeypatch.setattr(keras.applications, "MobileNet", fail)
    with rejects("weights", "URL fetch failure", "pass its path"):
        load_backbone("MobileNet", size=SIZE)


@pytest.mark.parametrize("name", ["size", "channels"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "32"])
def test_sizes_and_channels_are_counted_from_1(name, value):
    settings = {"size": SIZE, "weights": None, name: value}
    with rejects(f"{name} to be", repr(value), "Pass"):
        load_backbone("MobileNet", **settings)


def make_network(shape=(16, 16, 3), last=None, num_inputs=1, bias=0.0):
    """A network of a convolution, ending in the mean over pixels."""
    pixels = [keras.Input(shape) for _ in range(num_inputs)]
    x = layers.Add()(pixels) if num_inputs > 1 else pixels[0]
    x = layers.Conv2D(4, 3, bias_initializer=keras.initializers.Constant(bias))(
        layers.Rescaling(1 / 255)(x)
    )
    x = (last or layers.GlobalAveragePooling2D())(x)
    return keras.Model(pixels if num_inputs > 1 else pixels[0], x)


def two_outputs():
    pixels = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(pixels)
    return keras.Model(pixels, [x, x + 1])


class Unregistered(layers.GlobalAveragePooling2D):
    pass


@keras.saving.register_keras_serializable(package="tests")
class ColorSum(keras.Model):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.dense = keras.layers.Dense(2)

    def call(self, pixels):
        return self.dense(keras.ops.sum(pixels / 255, axis=(1, 2)))


@pytest.mark.parametrize(
    ("shape", "input_shape"),
    [
        ((16, 16, 3), (16, 16, 3)),
        ((None, None, 10), (24, 24, 10)),
        ((96, 64, 1), (96, 64, 1)),
    ],
)
def test_a_saved_model_gives_what_it_gave(shape, input_shape, tmp_path):
    network = make_network(shape)
    network.save(tmp_path / "own.keras")
    loaded = load_saved_backbone(tmp_path / "own.keras", input_shape)
    images = np.random.default_rng(0).integers(0, 256, (3, *input_shape))
    images //= np.arange(1, 4).reshape(3, 1, 1, 1)  # They differ.
    for dtype in (np.float32, np.uint8):
        assert_alike(loaded(images.astype(dtype)), network(images))


def test_a_subclassed_model_is_tried_out(tmp_path):
    network = ColorSum()
    expected = network(gray_images(3))
    network.save(tmp_path / "own.keras")
    loaded = load_backbone(tmp_path / "own.keras", size=16)
    assert_alike(loaded(gray_images(3)), expected)
    with rejects("one input", "fails with", "the size"):
        load_backbone(tmp_path / "own.keras", size=16, channels=4)


SHAPE = "('batch', 16, 16, 3)"
REJECTED = {
    "channels": (
        partial(make_network, (16, 16, 10)),
        (SHAPE, "[(None, 16, 16, 10)]", "inflate_input"),
    ),
    "size": (
        partial(make_network, (16, 15, 3)),
        (SHAPE, "[(None, 16, 15, 3)]", "inflate_input"),
    ),
    "two inputs": (
        partial(make_network, num_inputs=2),
        (SHAPE, "[(None, 16, 16, 3), (None, 16, 16, 3)]", "inflate_input"),
    ),
    "vector": (
        lambda: keras.Sequential([keras.Input((7,)), layers.Dense(2)]),
        ("one input", "[(None, 7)]", "the size"),
    ),
    "map": (
        partial(make_network, last=layers.ReLU()),
        ("(batch, dim)", "(1, 14, 14, 4)", "GlobalAveragePooling2D"),
    ),
    "two outputs": (two_outputs, ("(batch, dim)", "2 outputs", "End it")),
    **{
        f"bias {bias}": (
            partial(make_network, bias=bias),
            ("finite", "4 are not", "retrain it"),
        )
        for bias in (np.nan, np.inf)
    },
    "unregistered": (
        partial(make_network, last=Unregistered()),
        ("can load", "Unregistered", "register custom"),
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_what_is_no_backbone_is_rejected(case, tmp_path):
    make, parts = REJECTED[case]
    make().save(tmp_path / "own.keras")
    with rejects(*parts):
        load_backbone(tmp_path / "own.keras", size=16)


@pytest.mark.parametrize("content", [None, b"", b"no net"])
def test_a_file_that_is_no_model_is_rejected(content, tmp_path):
    if content is not None:
        (tmp_path / "own.keras").write_bytes(content)
    with rejects("can load", "own.keras", "model.save("):
        load_backbone(tmp_path / "own.keras", size=16)


@pytest.mark.parametrize("weights", [None, "some.weights.h5"])
def test_weights_beside_a_saved_model_are_rejected(tmp_path, weights):
    make_network().save(tmp_path / "own.keras")
    with rejects("no weights", f"weights={weights!r}", "Leave"):
        load_backbone(tmp_path / "own.keras", size=16, weights=weights)
