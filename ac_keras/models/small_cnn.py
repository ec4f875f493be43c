"""A small convolutional backbone for training from scratch."""

import keras

FILTERS = (16, 32, 64, 128)


def small_cnn(input_shape, dim=128, scale=1 / 127.5, offset=-1.0):
    """Builds a CNN of four convolutions and global average pooling.

    Each convolution has 3 x 3 kernels, batch normalisation, ReLU and max
    pooling by 2. The last one has `dim` filters.

    Args:
        input_shape: A frame's `(height, width, channels)`, 16 x 16 or more.
        dim: Integer, the size of the local feature.
        scale: Float, the factor of input values. The defaults of `scale` and
            `offset` map pixels from 0 to 255 to -1 to 1.
        offset: Float, added to the scaled values.

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
