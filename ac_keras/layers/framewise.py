"""A network that is applied to each frame of a clip."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ac_keras")
class Framewise(keras.layers.Layer):
    """Applies one network to each frame of each clip, all in one call.

    Args:
        network: A `keras.Model` from `(batch, *frame_shape)` to `(batch,
            dim)`.
        **kwargs: `name`, `dtype` and other arguments of a Keras layer.

    Call arguments:
        frames: Float tensor `(batch, num_frames, n)`, in each row the
            `prod(frame_shape)` values of a frame.

    Output shape: `(batch, num_frames, dim)`.

    Raises:
        ValueError: If the size of a row is not that of a frame.
    """

    def __init__(self, network, **kwargs):
        super().__init__(**kwargs)
        self.network = network

    def build(self, input_shape):
        size = math.prod(self.network.input_shape[1:])
        if len(input_shape) != 3 or input_shape[-1] != size:
            raise ValueError(
                f"Framewise expects frames (batch, num_frames, {size}), as its "
                f"network takes {self.network.input_shape[1:]}. Received: "
                f"input_shape={tuple(input_shape)}. Flatten each frame to one "
                "row."
            )

    def call(self, frames, training=None):
        shape = ops.shape(frames)
        each = ops.reshape(frames, (-1, *self.network.input_shape[1:]))
        features = self.network(each, training=training)
        dim = self.network.output_shape[-1]
        return ops.reshape(features, (shape[0], shape[1], dim))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.network.output_shape[-1])

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network}

    @classmethod
    def from_config(cls, config):
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)
