"""The mask of the frames that are no padding."""

import keras
from keras import ops

from ac_keras.layers.input_checks import check_frames


@keras.saving.register_keras_serializable(package="ac_keras")
class FrameMask(keras.layers.Layer):
    """Computes the mask that keeps each clip's first `num_frames` frames.

    Batches have frames and a number of frames rather than a mask: explicit
    inputs are kept by export, and `fit` under several replicas fails on bool
    tensors. This layer computes the mask inside the model.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`, padded at the end.
        num_frames: Integer tensor `(batch,)`, the number of frames of each
            clip.

    Output shape: `(batch, num_frames)`, bool; True keeps a frame.

    Raises:
        ValueError: If the shape or dtype of an input is invalid.

    Example:
    >>> import numpy as np
    >>> frames = np.zeros((2, 3, 8), "float32")
    >>> FrameMask()(frames, np.array([1, 3])).numpy().tolist()
    [[True, False, False], [True, True, True]]
    """

    def build(self, input_shape):
        check_frames(self, input_shape)

    def call(self, frames, num_frames):
        self._check(frames, num_frames)
        positions = ops.arange(ops.shape(frames)[1], dtype="int32")
        return positions[None, :] < ops.cast(num_frames, "int32")[:, None]

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)[:2]

    def compute_output_spec(self, frames, num_frames):
        self._check(frames, num_frames)
        shape = self.compute_output_shape(frames.shape)
        return keras.KerasTensor(shape, "bool")

    def _check(self, frames, num_frames):
        check_frames(self, frames.shape)
        dtype = keras.backend.standardize_dtype(num_frames.dtype)
        shape, batch = tuple(num_frames.shape), frames.shape[0]
        fits = len(shape) == 1 and (
            None in (shape[0], batch) or shape[0] == batch
        )
        if not fits or "int" not in dtype:
            raise ValueError(
                "FrameMask expects num_frames as integers of shape (batch,) = "
                f"({batch},). Received: shape={shape}, dtype={dtype}. Pass "
                "the number of frames of each clip."
            )
