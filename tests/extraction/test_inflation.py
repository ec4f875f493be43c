"""Networks of RGB that take many channels."""

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones import inflation
from support.media.gray_pictures import assert_alike
from support.media.gray_pictures import gray_pictures
from support.media.small_networks import small_network

layers = keras.layers
MEAN, DEVIATION = np.array([100.0, 120.0, 116.0]), [50.0, 60.0, 55.0]
scaled = layers.Rescaling
PREPROCESSING = {
    "none": lambda: [],
    "0 to 1": lambda: [scaled(1 / 255)],
    "-1 to 1": lambda: [scaled(1 / 127.5, -1)],
    "negative": lambda: [scaled(-1 / 255, 1)],
    "padding": lambda: [scaled(1 / 255, -0.5), layers.ZeroPadding2D(2)],
    "in two steps": lambda: [scaled(1 / 255), scaled(2, -1)],
}


@pytest.mark.parametrize("before", PREPROCESSING)
@pytest.mark.parametrize("channels", [1, 10])
def test_a_gray_picture_gives_what_it_gives_in_rgb(before, channels):
    network = small_network(PREPROCESSING[before]())
    inflated = inflation.inflate_input(network, channels)
    assert inflated.input_shape == (None, 16, 16, channels)
    assert_alike(inflated(gray_pictures(channels)), network(gray_pictures(3)))


def test_filters_are_the_mean_over_rgb_times_3_over_the_channels():
    network = small_network(PREPROCESSING["-1 to 1"]())
    inflated = inflation.inflate_input(network, 10)
    kernel, bias = network.get_layer("first").get_weights()
    mean = kernel.mean(axis=2, keepdims=True)
    found, found_bias = inflated.get_layer("first").get_weights()
    np.testing.assert_allclose(
        found, np.repeat(mean, 10, axis=2) * 3 / 10, atol=1e-7
    )
    np.testing.assert_array_equal(found_bias, bias)


def test_channels_count_one_by_one():
    network = small_network(PREPROCESSING["0 to 1"]())
    inflated = inflation.inflate_input(network, 4)
    gray = gray_pictures(4)
    changed = gray.copy()
    changed[..., 2] = 255 - changed[..., 2]
    difference = np.abs(inflated(gray) - inflated(changed)).max()
    assert difference > 0.01 * np.abs(inflated(gray)).max()


def test_a_mean_of_each_colour_becomes_their_mean():
    """Gray is then what was gray to the network: the tint of its mean."""
    variance = np.square(DEVIATION)
    network = small_network(
        [layers.Normalization(mean=MEAN, variance=variance)]
    )
    inflated = inflation.inflate_input(network, 6)
    in_tint = gray_pictures(3, tint=MEAN - MEAN.mean())
    assert_alike(inflated(gray_pictures(6)), network(in_tint))


def test_an_adapted_normalization_is_taken_as_it_is():
    normalization = layers.Normalization()
    normalization.adapt(gray_pictures(3) * [1, 1, 1] + 7)
    network = small_network([normalization])
    inflated = inflation.inflate_input(network, 6)
    assert_alike(inflated(gray_pictures(6)), network(gray_pictures(3)))


def test_colours_in_other_order_are_put_in_order():
    x = pixels = keras.Input((16, 16, 3))
    x = keras.ops.flip(x, axis=-1) - np.array([103, 116, 123], "float32")
    features = small_network()(x)
    network = keras.Model(pixels, features)
    inflated = inflation.inflate_input(network, 2)
    in_tint = gray_pictures(3, tint=np.array([9.0, 2.0, -11.0]))
    assert_alike(inflated(gray_pictures(2)), network(in_tint))


def test_the_convolution_is_found_in_networks_within_the_network():
    stem = keras.Sequential([layers.Conv2D(4, 3), layers.ReLU()], name="stem")
    pixels = keras.Input((None, None, 3))
    x = stem(scaled(1 / 255)(pixels))
    inner = keras.Model(pixels, layers.GlobalAveragePooling2D()(x))
    network = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            scaled(1.5, -3),
            inner,
            layers.Dense(3),
        ]
    )
    inflated = inflation.inflate_input(network, 6)
    assert_alike(inflated(gray_pictures(6)), network(gray_pictures(3)))


def test_the_network_given_stays_as_it_is_and_shares_nothing():
    network = small_network(PREPROCESSING["0 to 1"]())
    before = [x.copy() for x in network.get_weights()]
    expected = network(gray_pictures(3))
    inflated = inflation.inflate_input(network, 4)
    inflated.set_weights([0 * x + 1 for x in inflated.get_weights()])
    for found, known in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, known)
    assert_alike(network(gray_pictures(3)), expected)
    again = inflation.inflate_input(network, 4)
    assert_alike(again(gray_pictures(4)), expected)


def test_a_compiled_network_can_be_inflated():
    network = small_network(PREPROCESSING["0 to 1"]())
    network.compile("sgd", loss=lambda labels, outputs: outputs)
    inflated = inflation.inflate_input(network, 4)
    assert_alike(inflated(gray_pictures(4)), network(gray_pictures(3)))


def test_the_inflated_network_can_be_inflated_and_saved(tmp_path):
    network = small_network(PREPROCESSING["padding"]())
    inflated = inflation.inflate_input(network, 4)
    inflated.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    again = inflation.inflate_input(loaded, 8)
    expected = network(gray_pictures(3))
    assert_alike(loaded(gray_pictures(4)), expected)
    assert_alike(again(gray_pictures(8)), expected)


def test_the_inflated_network_trains():
    inflated = inflation.inflate_input(small_network(), 4)
    inflated.compile(keras.optimizers.SGD(0.01), loss="mse")
    before = inflated.get_layer("first").get_weights()[0]
    pictures = gray_pictures(4) / 255 * [1, 2, 3, 4]
    inflated.fit(pictures, np.ones((3, 5)), verbose=0)
    after = inflated.get_layer("first").get_weights()[0]
    change = np.abs(after - before).max(axis=(0, 1, 3))
    assert (change > 0).all() and len(set(change.round(9))) == 4


def test_filters_can_be_drawn_anew():
    network = small_network(PREPROCESSING["0 to 1"]())
    widened = inflation.widen_input(network, 4, averaged=False)
    kernel = widened.get_layer("first").get_weights()[0]
    assert np.abs(np.diff(kernel, axis=2)).min(axis=2).max() > 0.01
    dense = widened.get_weights()[-2]
    np.testing.assert_array_equal(dense, network.get_weights()[-2])


def test_what_changes_no_pixel_does_not_matter():
    network = small_network([layers.ReLU(), layers.Dropout(0.0)])
    inflated = inflation.inflate_input(network, 4)
    assert_alike(inflated(gray_pictures(4)), network(gray_pictures(3)))
