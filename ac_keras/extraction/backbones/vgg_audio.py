"""Audio backbone: VGG-16 on log-mel patches."""

import os

import keras

from ac_keras.extraction.plan import PATCH_SHAPE


def vgg_audio(weights: str | os.PathLike | None = None) -> keras.Model:
    """Builds VGG-16's convolutions for log-mel patches.

    A patch is processed as an image with one channel; the output of the last
    convolutions is averaged over it.

    Args:
        weights: A weights file of this network, or None for random weights.
            Pretrained weights are not available.

    Returns:
        A model from log-mel patches `(batch, 96, 64, 1)`, float32, to features
        `(batch, 512)`, float32. It consists of Keras's own layers.

    Raises:
        ValueError: If the file is not a weights file of this network.

    References:
        Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015,
        configuration D; on audio as in Hershey et al., CNN Architectures for
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
                "vgg_audio expects a weights file of its own. "
                f"Received: weights={os.fspath(weights)!r}; Keras "
                f"says: {error}\nPass a file ending in .weights.h5 that "
                "model.save_weights(path) wrote, or None."
            ) from error
    return model
