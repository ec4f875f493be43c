"""The convolutional network that computes Flash-MNIST's features."""

import keras

FEATURES = "features"


def frame_cnn(num_classes=11, dim=50):
    """Builds a CNN that classifies a 28 x 28 frame.

    Two 5 x 5 convolutions with 10 and 20 filters, each with ReLU and max
    pooling by 2, a dense layer with ReLU (named `features`, the local
    feature) and a softmax.

    Args:
        num_classes: Integer, the number of classes. The default is ten digits
            and the empty frame.
        dim: Integer, the size of the local feature.

    Returns:
        A `keras.Model` from `(batch, 28, 28, 1)`, values in [0, 1], to class
        probabilities `(batch, num_classes)`.

    References:
        Long et al., Attention Clusters, supplement, section 1.2.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(10, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(20, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(dim, activation="relu", name=FEATURES),
            layers.Dense(num_classes, activation="softmax"),
        ],
        name="frame_cnn",
    )
