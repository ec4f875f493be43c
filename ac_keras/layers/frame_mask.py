"""From a count of frames to a mask."""

import keras
from keras import ops

from ac_keras.layers.input_checks import check_frames


@keras.saving.register_keras_serializable(package="ac_keras")
class FrameMask(keras.layers.Layer):
    """Makes the mask that keeps each clip's first `num_frames` frames.

    Batches carry frames and a count rather than a mask: an explicit input
    survives export, and `fit` under several replicas takes integers where it
    fails on bools. This layer makes the mask inside the model.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`, padded at the end.
        num_frames: Integer tensor `(batch,)`, the frames that are real.

    Output shape: `(batch, num_frames)`, bool; True keeps a frame.

    Raises:
        ValueError: If an input's shape or dtype does not fit.

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
                f"({batch},). Received: shape={shape}, dtype={dtype}. Give "
                "the number of real frames of each clip."
            )
