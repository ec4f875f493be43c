"""A small convolutional backbone, to be trained from scratch."""

import keras

FILTERS = (16, 32, 64, 128)


def small_cnn(input_shape, dim=128, scale=1 / 127.5, offset=-1.0):
    """Builds four convolutions and a mean over the picture.

    Each has 3 x 3 kernels, batch normalisation, ReLU and max pooling by 2;
    the last one has `dim` filters.

    Args:
        input_shape: A frame's `(height, width, channels)`, 16 x 16 or more.
        dim: Integer, the size of the local feature.
        scale: What input values are multiplied by; the default and `offset`
            bring pixels 0 to 255 to -1 to 1.
        offset: What is added then.

    Returns:
        A `keras.Model` from `(batch, *input_shape)` to `(batch, dim)`.
    """
    layers = keras.layers
    network = [keras.Input(input_shape), layers.Rescaling(scale, offset)]
    for filters in (*FILTERS[:-1], dim):
        network += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
        ]
    network.append(layers.GlobalAveragePooling2D())
    return keras.Sequential(network, name="small_cnn")
