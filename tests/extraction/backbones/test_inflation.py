"""inflate_input: RGB networks for many channels."""

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones.inflation import inflate_input
from support.error_parts import rejects
from support.media.gray_images import assert_alike
from support.media.gray_images import gray_images

layers = keras.layers


def small_network(before=()):
    """Convolution, batch normalization, ReLU, mean and dense layer."""
    keras.utils.set_random_seed(1)
    x = pixels = keras.Input((16, 16, 3))
    for layer in before:
        x = layer(x)
    x = layers.Conv2D(4, 3, padding="same", name="first")(x)
    x = layers.BatchNormalization(
        moving_mean_initializer="random_normal",
        gamma_initializer="random_normal",
    )(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(pixels, layers.Dense(5)(x), name="small")


scaled = layers.Rescaling


def adapted():
    normalization = layers.Normalization()
    normalization.adapt(gray_images(3) + 7)
    return [normalization]


PREPROCESSING = {
    "none": list,
    "0 to 1": lambda: [scaled(1 / 255)],
    "-1 to 1": lambda: [scaled(1 / 127.5, -1)],
    "negative": lambda: [scaled(-1 / 255, 1)],
    "padding": lambda: [scaled(1 / 255, -0.5), layers.ZeroPadding2D(2)],
    "in two steps": lambda: [scaled(1 / 255), scaled(2, -1)],
    "adapted": adapted,
    "no change of a pixel": lambda: [layers.ReLU(), layers.Dropout(0.0)],
}


@pytest.mark.parametrize("before", PREPROCESSING)
@pytest.mark.parametrize("channels", [1, 10])
def test_a_gray_image_has_the_features_of_rgb(before, channels):
    network = small_network(PREPROCESSING[before]())
    network.compile("sgd", loss=lambda labels, outputs: outputs)
    inflated = inflate_input(network, channels)
    assert inflated.input_shape == (None, 16, 16, channels)
    assert_alike(inflated(gray_images(channels)), network(gray_images(3)))


def test_filters_are_the_mean_over_rgb_times_3_over_the_channels():
    network = small_network(PREPROCESSING["-1 to 1"]())
    inflated = inflate_input(network, 10)
    kernel, bias = network.get_layer("first").get_weights()
    mean = kernel.mean(axis=2, keepdims=True)
    found, found_bias = inflated.get_layer("first").get_weights()
    np.testing.assert_allclose(
        found, np.repeat(mean, 10, axis=2) * 3 / 10, atol=1e-7
    )
    np.testing.assert_array_equal(found_bias, bias)


def test_channels_count_one_by_one():
    network = small_network(PREPROCESSING["0 to 1"]())
    inflated = inflate_input(network, 4)
    gray = gray_images(4)
    changed = gray.copy()
    changed[..., 2] = 255 - changed[..., 2]
    difference = np.abs(inflated(gray) - inflated(changed)).max()
    assert difference > 0.01 * np.abs(inflated(gray)).max()


def normalized():
    normalization = layers.Normalization(
        mean=[100.0, 120.0, 116.0], variance=[2500.0, 3600.0, 3025.0]
    )
    return small_network([normalization])


def in_other_order():
    x = pixels = keras.Input((16, 16, 3))
    x = keras.ops.flip(x, axis=-1) - np.array([103, 116, 123], "float32")
    return keras.Model(pixels, small_network()(x))


@pytest.mark.parametrize(
    ("make", "tint"),
    [(normalized, [-12.0, 8.0, 4.0]), (in_other_order, [9.0, 2.0, -11.0])],
)
def test_a_mean_of_each_color_becomes_their_mean(make, tint):
    """Gray is then what was gray to the network: the tint of its mean."""
    network = make()
    inflated = inflate_input(network, 6)
    in_tint = gray_images(3, tint=np.array(tint))
    assert_alike(inflated(gray_images(6)), network(in_tint))


def test_the_convolution_is_found_in_networks_within_the_network():
    stem = keras.Sequential([layers.Conv2D(4, 3), layers.ReLU()], name="stem")
    pixels = keras.Input((None, None, 3))
    x = stem(scaled(1 / 255)(pixels))
    inner = keras.Model(pixels, layers.GlobalAveragePooling2D()(x))
    network = keras.Sequential(
        [keras.Input((16, 16, 3)), scaled(1.5, -3), inner, layers.Dense(3)]
    )
    inflated = inflate_input(network, 6)
    assert_alike(inflated(gray_images(6)), network(gray_images(3)))


def test_the_network_given_stays_as_it_is_and_shares_nothing():
    network = small_network(PREPROCESSING["0 to 1"]())
    before = [x.copy() for x in network.get_weights()]
    expected = network(gray_images(3))
    inflated = inflate_input(network, 4)
    inflated.set_weights([0 * x + 1 for x in inflated.get_weights()])
    for found, known in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, known)
    assert_alike(network(gray_images(3)), expected)
    again = inflate_input(network, 4)
    assert_alike(again(gray_images(4)), expected)


def test_the_inflated_network_can_be_inflated_and_saved(tmp_path):
    network = small_network(PREPROCESSING["padding"]())
    inflated = inflate_input(network, 4)
    inflated.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    again = inflate_input(loaded, 8)
    expected = network(gray_images(3))
    assert_alike(loaded(gray_images(4)), expected)
    assert_alike(again(gray_images(8)), expected)


def test_the_inflated_network_trains():
    inflated = inflate_input(small_network(), 4)
    inflated.compile(keras.optimizers.SGD(0.01), loss="mse")
    before = inflated.get_layer("first").get_weights()[0]
    images = gray_images(4) / 255 * [1, 2, 3, 4]
    inflated.fit(images, np.ones((3, 5)), verbose=0)
    after = inflated.get_layer("first").get_weights()[0]
    change = np.abs(after - before).max(axis=(0, 1, 3))
    assert (change > 0).all() and len(set(change.round(9))) == 4


@pytest.mark.parametrize(
    ("before", "received"),
    [
        (layers.RandomBrightness(0.5), "more than that before first"),
        (layers.BatchNormalization(), "more than that before first"),
        (layers.ReLU(threshold=100), "more than that before first"),
        (layers.AveragePooling2D(2), "(8, 8, 3) before first"),
        (layers.DepthwiseConv2D(3, padding="same"), "more than that"),
        (layers.Rescaling([1, 1, 0]), "lost colors before first"),
    ],
)
def test_anything_but_colors_before_the_convolution_is_rejected(
    before, received
):
    network = small_network([before])
    with rejects("one Conv2D", received, "Remove augment"):
        inflate_input(network, 4)


def way_around():
    pixels = keras.Input((16, 16, 3))
    x = layers.Conv2D(2, 3, padding="same", name="first")(pixels)
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()([x, pixels]))
    return keras.Model(pixels, x)


def two_inputs():
    pixels = [keras.Input((4, 4, 3)) for _ in range(2)]
    return keras.Model(pixels, layers.Add()(pixels))


class Subclassed(keras.Model):
    def call(self, x):
        return x


def without_convolution(*shape):
    return keras.Sequential([keras.Input(shape), layers.Dense(2)])


def test_a_network_without_one_convolution_is_rejected():
    with rejects("one Conv2D", "another path", "Remove"):
        inflate_input(way_around(), 4)
    with rejects("one Conv2D", "no Conv2D", "Remove"):
        inflate_input(without_convolution(4, 4, 3), 4)


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (Subclassed, "a Subclassed with inputs of shapes []"),
        (lambda: without_convolution(5), "[(None, 5)]"),
        (two_inputs, "(None, 4, 4, 3), (None, 4, 4, 3)"),
    ],
)
def test_a_network_without_one_image_is_rejected(make, received):
    with rejects("one input", received, "keras.Model("):
        inflate_input(make(), 4)


@pytest.mark.parametrize("channels", [0, -2, 2.0, True, None])
def test_channels_are_counted_from_1(channels):
    with rejects("1 channel", f"channels={channels}", "2 for each"):
        inflate_input(small_network(), channels)
