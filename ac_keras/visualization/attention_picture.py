"""One clip's attention as a small picture, for TensorBoard."""

import io
from collections.abc import Mapping

import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

_DPI = 100


def attention_picture(attention: Mapping[str, np.ndarray]) -> bytes:
    """Draws what the units of every modality attend to in one clip.

    Each modality has a map of units by frames, from black (nothing) to
    bright yellow (its largest weight, which the title tells).

    Args:
        attention: Mapping from modality to weights, floats `(num_units,
            num_frames)`; no frames, or zeros, where it is absent.

    Returns:
        A PNG, 320 pixels high and about 280 wide for each modality.

    Raises:
        ValueError: If there is no modality, or a shape is another.
    """
    maps = {name: np.asarray(x, np.float32) for name, x in attention.items()}
    shapes = {name: weights.shape for name, weights in maps.items()}
    if not maps or any(len(shape) != 2 for shape in shapes.values()):
        raise ValueError(
            "attention_picture expects weights (num_units, num_frames) for "
            f"each modality. Received: shapes={shapes}. Take one clip out of "
            "a batch: scores[0]."
        )
    figure = Figure(
        figsize=(0.4 + 2.8 * len(maps), 3.2), dpi=_DPI, layout="constrained"
    )
    row = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (name, weights) in zip(row, maps.items(), strict=True):
        _draw(axes, name, weights)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw(axes, name, weights):
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
