"""Networks as users would save them, good ones and others."""

import keras

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
