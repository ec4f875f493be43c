"""Attention maps of clips, as in Figure 5 of the paper, and their entropy."""

import io
import os
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib import ticker
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file

TOLERANCE = 0.05  # of a sum of weights in bfloat16


def save_attention_maps(
    images: np.ndarray,
    scores: np.ndarray,
    titles: Sequence[str],
    path: str | os.PathLike,
) -> None:
    """Draws clips, each with a row of weights for every attention unit.

    The first row of a clip shows its frames. Each further row shows the same
    frames below a colour for the weights of one unit, from black (0) to bright
    yellow (1).

    Args:
        images: uint8 `(num_clips, num_frames, height, width)`.
        scores: Floats `(num_clips, num_units, num_frames)` that sum to 1 over
            the frames.
        titles: The title of each clip.
        path: The PNG file to write.

    Raises:
        ValueError: If the shapes do not match.
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
            "Expected images of shape (num_clips, num_frames, height, width), "
            "scores of shape (num_clips, num_units, num_frames) and a title "
            f"for each clip. Received: images {images.shape}, scores "
            f"{scores.shape} and {len(titles)} titles."
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
    """Arranges frames `(num_frames, height, width)` over a row for each unit.

    Returns:
        Red, green and blue from 0 to 1, `((1 + num_units) * height, num_frames
        * width, 3)`.
    """
    gray = np.concatenate(list(frames), axis=1)[..., None] / 255.0
    gray = np.repeat(gray, 3, axis=2)  # (height, num_frames * width, 3)
    height, width = frames.shape[1:]
    rows = [gray]
    for unit in scores:
        color = colormaps["inferno"](np.repeat(unit, width))[None, :, :3]
        # The frame stays visible below the weight's colour.
        row = np.broadcast_to(color, (height, *color.shape[1:]))
        rows.append(np.clip(0.8 * row + 0.2 * gray, 0, 1))
    grid = np.concatenate(rows)
    grid[height::height] = 1.0  # a line above each unit's row
    return grid


def attention_plot(attention: Mapping[str, np.ndarray]) -> bytes:
    """Draws the attention of one clip's units as a map for each modality.

    A map has a row for each unit and a column for each frame. Colours go from
    black (0) to bright yellow (the largest weight, given in the title).

    Args:
        attention: Mapping from modality to weights, floats `(num_units,
            num_frames)`; no frames, or zeros, where the modality is absent.

    Returns:
        A PNG file, 320 pixels high and about 280 wide for each modality.

    Raises:
        ValueError: If there is no modality, or weights of another rank.
    """
    maps = {name: np.asarray(x, np.float32) for name, x in attention.items()}
    shapes = {name: weights.shape for name, weights in maps.items()}
    if not maps or any(len(shape) != 2 for shape in shapes.values()):
        raise ValueError(
            "attention_plot expects weights of shape (num_units, num_frames) "
            f"for each modality. Received: shapes={shapes}. Select one clip "
            "of a batch: scores[0]."
        )
    figure = Figure(
        figsize=(0.4 + 2.8 * len(maps), 3.2), dpi=100, layout="constrained"
    )
    row = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (name, weights) in zip(row, maps.items(), strict=True):
        _draw_map(axes, name, weights)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def checked_weights(weights: np.ndarray, num_units: int) -> np.ndarray:
    """Checks weights `(batch, num_units, num_frames)`; returns them in float64.

    Each unit's weights sum to 1, except for rounding, which is corrected, or
    all are 0 if a clip has no frame.

    Raises:
        ValueError: If the weights have another shape or another sum.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 3 or weights.shape[1] != num_units:
        raise ValueError(
            f"Expected weights of shape (batch, {num_units}, num_frames). "
            f"Received: weights of shape {weights.shape}. Pass one modality's "
            "output of an `attention_model`."
        )
    totals = weights.sum(axis=2, keepdims=True)
    absent = (totals == 0).all(axis=1, keepdims=True)
    sums_fit = absent | (np.abs(totals - 1) <= TOLERANCE)
    if not (np.all(weights >= 0) and np.all(sums_fit)):  # also rejects NaN
        raise ValueError(
            "Expected attention weights of 0 or more that sum to 1 for each "
            f"unit. Received: weights from {weights.min():.4g} and sums from "
            f"{totals.min():.4g} to {totals.max():.4g}. Pass the output of the "
            "softmax, not its logits."
        )
    return weights / np.where(absent, 1, totals)


def weights_entropy(weights: np.ndarray) -> np.ndarray:
    """Computes the entropy of weights `(..., num_frames)`, in nats.

    It lies between 0 (one frame) and log(num_frames) (even weights).
    """
    logarithms = np.log(np.where(weights > 0, weights, 1.0))
    return -(weights * logarithms).sum(axis=-1)


def attention_evenness(weights: np.ndarray) -> float:
    """Computes the mean entropy of weights, relative to that of even ones.

    Args:
        weights: Floats `(..., num_frames)`, 0 for frames that are padding.

    Returns:
        A number from 0 (one frame) to 1 (even weights), the mean over units
        and clips that weight more than one frame; 0 if there is none.
    """
    num_frames = np.count_nonzero(weights, axis=-1)
    several = num_frames > 1
    if not several.any():
        return 0.0
    entropies = weights_entropy(weights)[several]
    return float(np.mean(entropies / np.log(num_frames[several])))


def _draw_map(axes, name, weights):
    peak = float(weights.max(initial=0))
    if not peak > 0:
        axes.set_axis_off()
        axes.set_title(f"{name}: absent", fontsize=11, parse_math=False)
        return
    num_units, num_frames = weights.shape
    axes.imshow(
        weights,
        cmap="inferno",
        vmin=0,
        vmax=peak,
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, num_frames + 0.5, num_units + 0.5, 0.5),
    )
    axes.set_title(f"{name}, up to {peak:.2g}", fontsize=11, parse_math=False)
    axes.set_xlabel("frame", fontsize=10)
    axes.set_ylabel("unit", fontsize=10)
    axes.tick_params(labelsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(
            ticker.MaxNLocator(5, integer=True, min_n_ticks=1)
        )
