"""Saved models as backbones."""

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones import loading
from ac_keras.extraction.backbones.loading import load_saved_backbone
from support.error_parts import rejects
from support.media.gray_images import assert_alike
from support.media.gray_images import gray_images

layers = keras.layers


def save_network(path, shape=(16, 16, 3), last=None, num_inputs=1, bias=0.0):
    """Saves a network of a convolution, ending in the mean over pixels."""
    pixels = [keras.Input(shape) for _ in range(num_inputs)]
    x = layers.Add()(pixels) if num_inputs > 1 else pixels[0]
    x = layers.Conv2D(4, 3, bias_initializer=keras.initializers.Constant(bias))(
        layers.Rescaling(1 / 255)(x)
    )
    x = (last or layers.GlobalAveragePooling2D())(x)
    model = keras.Model(pixels if num_inputs > 1 else pixels[0], x)
    model.save(path)
    return model


class Unregistered(keras.layers.GlobalAveragePooling2D):
    pass


@keras.saving.register_keras_serializable(package="tests")
class ColorSum(keras.Model):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.dense = keras.layers.Dense(2)

    def call(self, pixels):
        return self.dense(keras.ops.sum(pixels / 255, axis=(1, 2)))


def test_a_saved_model_gives_what_it_gave(tmp_path):
    saved = save_network(tmp_path / "own.keras")
    loaded = loading.load_backbone(tmp_path / "own.keras", size=16)
    images = gray_images(3)
    assert_alike(loaded(images), saved(images))
    assert_alike(loaded(images.astype(np.uint8)), saved(images))


def test_a_saved_model_may_take_any_size_and_number_of_channels(tmp_path):
    save_network(tmp_path / "own.keras", (None, None, 10))
    loaded = loading.load_backbone(tmp_path / "own.keras", size=24, channels=10)
    assert loaded(gray_images(10, size=24)).shape == (3, 4)


def test_a_saved_model_may_take_other_than_squares(tmp_path):
    saved = save_network(tmp_path / "sound.keras", (96, 64, 1))
    loaded = load_saved_backbone(tmp_path / "sound.keras", (96, 64, 1))
    patches = np.random.default_rng(0).normal(size=(2, 96, 64, 1))
    assert_alike(loaded(patches), saved(patches))


@pytest.mark.parametrize(
    ("settings", "received"),
    [
        ({"shape": (16, 16, 10)}, "[(None, 16, 16, 10)]"),
        ({"shape": (16, 15, 3)}, "[(None, 16, 15, 3)]"),
        ({"num_inputs": 2}, "[(None, 16, 16, 3), (None, 16, 16, 3)]"),
    ],
)
def test_other_inputs_are_rejected(tmp_path, settings, received):
    save_network(tmp_path / "own.keras", **settings)
    with rejects("('batch', 16, 16, 3)", received, "inflate_input"):
        loading.load_backbone(tmp_path / "own.keras", size=16)


def test_a_vector_as_input_is_rejected(tmp_path):
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(2)])
    model.save(tmp_path / "own.keras")
    with rejects("one input", "[(None, 7)]", "the size"):
        loading.load_backbone(tmp_path / "own.keras", size=16)


def test_an_output_that_is_no_vector_is_rejected(tmp_path):
    save_network(tmp_path / "own.keras", last=keras.layers.ReLU())
    with rejects("(batch, dim)", "(1, 14, 14, 4)", "GlobalAveragePooling2D"):
        loading.load_backbone(tmp_path / "own.keras", size=16)


def test_several_outputs_are_rejected(tmp_path):
    pixels = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(pixels)
    keras.Model(pixels, [x, x + 1]).save(tmp_path / "own.keras")
    with rejects("(batch, dim)", "2 outputs", "End it"):
        loading.load_backbone(tmp_path / "own.keras", size=16)


def test_a_subclassed_model_is_tried_out(tmp_path):
    network = ColorSum()
    expected = network(gray_images(3))
    network.save(tmp_path / "own.keras")
    loaded = loading.load_backbone(tmp_path / "own.keras", size=16)
    assert_alike(loaded(gray_images(3)), expected)
    with rejects("one input", "fails with", "the size"):
        loading.load_backbone(tmp_path / "own.keras", size=16, channels=4)


@pytest.mark.parametrize("bias", [np.nan, np.inf])
def test_features_that_are_not_finite_are_rejected(tmp_path, bias):
    save_network(tmp_path / "own.keras", bias=bias)
    with rejects("finite", "4 are not", "retrain it"):
        loading.load_backbone(tmp_path / "own.keras", size=16)


def test_a_layer_that_is_not_registered_is_named(tmp_path):
    save_network(tmp_path / "own.keras", last=Unregistered())
    with rejects("can load", "Unregistered", "register custom"):
        loading.load_backbone(tmp_path / "own.keras", size=16)


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_what_is_no_saved_model_is_rejected(tmp_path, content):
    if content is not None:
        (tmp_path / "own.keras").write_bytes(content)
    with rejects("can load", "own.keras", "model.save("):
        loading.load_backbone(tmp_path / "own.keras", size=16)


@pytest.mark.parametrize("weights", [None, "some.weights.h5"])
def test_weights_beside_a_saved_model_are_rejected(tmp_path, weights):
    save_network(tmp_path / "own.keras")
    with rejects("no weights", f"weights={weights!r}", "Leave"):
        loading.load_backbone(tmp_path / "own.keras", size=16, weights=weights)
