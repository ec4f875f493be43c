"""Networks that cannot take more channels."""

import keras
import pytest

from ac_keras.extraction.backbones import inflation
from support.error_parts import error_parts
from support.media.small_networks import small_network

layers = keras.layers


@pytest.mark.parametrize(
    ("before", "received"),
    [
        (layers.RandomBrightness(0.5), "more than that before first"),
        (layers.BatchNormalization(), "more than that before first"),
        (layers.ReLU(threshold=100), "more than that before first"),
        (layers.AveragePooling2D(2), "(8, 8, 3) before first"),
        (layers.DepthwiseConv2D(3, padding="same"), "more than that"),
        (layers.Rescaling([1, 1, 0]), "colours that get lost before first"),
    ],
)
def test_what_is_more_than_colours_before_the_convolution_is_refused(
    before, received
):
    network = small_network([before])
    with pytest.raises(
        ValueError, match=error_parts("one Conv2D", received, "Leave augment")
    ):
        inflation.inflate_input(network, 4)


def test_a_way_around_the_convolution_is_refused():
    pixels = keras.Input((16, 16, 3))
    x = layers.Conv2D(2, 3, padding="same", name="first")(pixels)
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()([x, pixels]))
    with pytest.raises(
        ValueError, match=error_parts("one Conv2D", "another way", "Leave")
    ):
        inflation.inflate_input(keras.Model(pixels, x), 4)


def test_a_network_without_a_convolution_is_refused():
    network = keras.Sequential(
        [keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2)]
    )
    with pytest.raises(
        ValueError, match=error_parts("one Conv2D", "no Conv2D", "Leave")
    ):
        inflation.inflate_input(network, 4)


def two_inputs():
    pixels = [keras.Input((4, 4, 3)) for _ in range(2)]
    return keras.Model(pixels, layers.Add()(pixels))


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("network", "received"),
    [
        (Subclassed, "a Subclassed with inputs of shapes []"),
        (
            lambda: keras.Sequential([keras.Input((5,)), layers.Dense(2)]),
            "[(None, 5)]",
        ),
        (
            two_inputs,
            "(None, 4, 4, 3), (None, 4, 4, 3)",
        ),
    ],
)
def test_other_than_one_picture_to_one_output_is_refused(network, received):
    with pytest.raises(
        ValueError, match=error_parts("one input", received, "keras.Model(")
    ):
        inflation.inflate_input(network(), 4)


@pytest.mark.parametrize("channels", [0, -2, 2.0, True, None])
def test_channels_are_counted_from_1(channels):
    with pytest.raises(
        ValueError,
        match=error_parts("1 channel", f"channels={channels}", "2 for each"),
    ):
        inflation.inflate_input(small_network(), channels)
