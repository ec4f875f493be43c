"""Checks of the shapes and dtypes of frames and masks."""

import keras


def check_frames(layer, shape, dtype=None):
    """Checks that frames are floating `(batch, num_frames, dim)`.

    The shape is static, with None for unknown dimensions. `layer` is named in
    the error message.
    """
    name = type(layer).__name__
    shape = tuple(shape)
    if len(shape) != 3:
        hint = (
            "For a single clip, add a batch axis: frames[None]."
            if len(shape) == 2
            else "Pool or reshape every frame to one vector."
        )
        raise ValueError(
            f"{name} expects frames of shape (batch, num_frames, dim). "
            f"Received: shape={shape}. {hint}"
        )
    if shape[-1] is None:
        raise ValueError(
            f"{name} expects frames whose last dimension is known. Received: "
            f"shape={shape}. Set it, for example by "
            "keras.Input((None, 1024))."
        )
    if dtype is not None:
        dtype = keras.backend.standardize_dtype(dtype)
        if "float" not in dtype:
            raise ValueError(
                f"{name} expects floating frames. Received: dtype={dtype}. "
                "Convert them first; quantised features also need their "
                "range."
            )


def check_mask(layer, mask_shape, frames_shape):
    """Checks that a mask is `(batch, num_frames)`, by static shapes."""
    expected = tuple(frames_shape)[:2]
    shape = tuple(mask_shape)
    fits = len(shape) == 2 and all(
        None in (have, want) or have == want
        for have, want in zip(shape, expected, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{type(layer).__name__} expects a mask of shape (batch, "
            f"num_frames) = {expected}, True where a frame is kept. Received: "
            f"shape={shape}. FrameMask computes it from the number of frames."
        )
