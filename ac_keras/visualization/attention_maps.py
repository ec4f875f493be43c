"""Attention maps, as in the paper's Figure 5."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file

_COLORS = colormaps["inferno"]


def save_attention_maps(
    images: np.ndarray,
    scores: np.ndarray,
    titles: Sequence[str],
    path: str | os.PathLike,
) -> None:
    """Draws clips, each with a row of weights for every attention unit.

    The first row of a clip holds its frames. Below it every unit has a row of
    the same frames over a colour that tells how much the unit attends to
    each, from black (nothing) to bright yellow (everything).

    Args:
        images: uint8 `(num_clips, num_frames, height, width)`.
        scores: Floats `(num_clips, num_units, num_frames)`, summing up to 1
            over the frames.
        titles: One line for each clip.
        path: The PNG file to write.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    images, scores = np.asarray(images), np.asarray(scores)
    fits = (
        images.ndim == 4
        and scores.ndim == 3
        and len(images) == len(scores) == len(titles)
        and images.shape[1] == scores.shape[2]
    )
    if not fits:
        raise ValueError(
            "Expected images (num_clips, num_frames, height, width), scores "
            "(num_clips, num_units, num_frames) and a title for each clip. "
            f"Received: images {images.shape}, scores {scores.shape} and "
            f"{len(titles)} titles."
        )
    num_clips, num_frames, height, width = images.shape
    rows = 1 + scores.shape[1]
    aspect = rows * height / (num_frames * width)
    figure = Figure(
        figsize=(9, num_clips * (9 * aspect + 0.5)),
        dpi=150,
        layout="constrained",
    )
    for index, axes in enumerate(
        figure.subplots(num_clips, squeeze=False)[:, 0]
    ):
        axes.imshow(
            clip_grid(images[index], scores[index]),
            interpolation="nearest",
            aspect="equal",
        )
        axes.set_title(titles[index], fontsize=9, loc="left")
        axes.set_xticks([])
        axes.set_yticks(
            [(row + 0.5) * height for row in range(1, rows)],
            [f"unit {row}" for row in range(1, rows)],
            fontsize=6,
        )
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png")


def clip_grid(frames: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Lays out one clip: its frames, then a row for each unit.

    Args:
        frames: uint8 `(num_frames, height, width)`.
        scores: Floats `(num_units, num_frames)` from 0 to 1.

    Returns:
        Colours from 0 to 1, `((1 + num_units) * height, num_frames * width,
        3)`.
    """
    gray = np.concatenate(list(frames), axis=1)[..., None] / 255.0
    gray = np.repeat(gray, 3, axis=2)  # (height, num_frames * width, 3)
    height, width = frames.shape[1:]
    rows = [gray]
    for unit in scores:
        color = _COLORS(np.repeat(unit, width))[None, :, :3]
        # The frame shows through, so that one sees what is attended to.
        row = np.broadcast_to(color, (height, *color.shape[1:]))
        rows.append(np.clip(0.8 * row + 0.2 * gray, 0, 1))
    grid = np.concatenate(rows)
    grid[height::height] = 1.0  # a line above each unit's row
    return grid
