"""The network from log-mel patches to local features of sound."""

import os

import keras

PATCH_SHAPE = (96, 64, 1)  # steps of 10 ms, mel bands, one channel


def vgg_audio(weights: str | os.PathLike | None = None) -> keras.Model:
    """Builds VGG-16's convolutions on log-mel patches.

    A patch is processed as a picture of one channel, and what the last
    convolutions give is averaged over it.

    Args:
        weights: A file of weights that this network has written, or None for
            random ones: there are none to download.

    Returns:
        A model from `(batch, 96, 64, 1)` log-mel patches, float32, to features
        `(batch, 512)`, float32. It is made of Keras's own layers.

    Raises:
        ValueError: If the file has other weights or is no such file.

    References:
        Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015,
        configuration D; on sound as in Hershey et al., CNN Architectures for
        Large-Scale Audio Classification, ICASSP 2017.
    """
    network = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=PATCH_SHAPE, pooling="avg"
    )
    model = keras.Model(network.inputs[0], network.outputs[0], name="vgg_audio")
    if weights is not None:
        try:
            model.load_weights(weights)
        except (ValueError, OSError) as error:
            raise ValueError(
                "vgg_audio expects a file of weights that it has written "
                f"itself. Received: weights={os.fspath(weights)!r}; Keras "
                f"says: {error}\nGive what model.save_weights(path) has "
                "written, its name ending in .weights.h5, or None."
            ) from error
    return model
