"""Figures of panels, one below the other, whose sizes are given in inches."""

import dataclasses
import os
import warnings
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file
from ac_keras.visualization.attention_maps import weights_entropy

INNER_WIDTH = 8.6  # inches, of every panel
MAX_UNITS = 16  # of more units, the mean and the most decided are drawn
MOST_DECIDED = 12
NO_FRAME = "0.92"  # the gray of a time without a frame

_LEFT, _RIGHT, _EDGE = 1.1, 0.3, 0.15  # inches around the panels


@dataclasses.dataclass(frozen=True)
class Panel:
    """A part of a figure.

    Attributes:
        height: Inches.
        draw: Called with axes of this height and of `INNER_WIDTH`.
        below: Inches left empty below the axes, also for their labels.
    """

    height: float
    draw: Callable[[Axes], None]
    below: float = 0.1


@dataclasses.dataclass(frozen=True)
class ShownUnits:
    """The units that are drawn.

    Attributes:
        units: Their indices, from top to bottom.
        weights: Floats `(num_shown, num_frames)`.
        mean: The mean over all units, floats `(1, num_frames)`; None if all
            units are drawn.
    """

    units: np.ndarray
    weights: np.ndarray
    mean: np.ndarray | None


def save_panels(panels: Sequence[Panel], path: str | os.PathLike) -> None:
    """Draws panels from top to bottom and saves the figure as a PNG file."""
    width = _LEFT + INNER_WIDTH + _RIGHT
    height = 2 * _EDGE + sum(panel.height + panel.below for panel in panels)
    figure = Figure(figsize=(width, height), dpi=100)
    top = height - _EDGE
    for panel in panels:
        bottom = top - panel.height
        box = (
            _LEFT / width,
            bottom / height,
            INNER_WIDTH / width,
            panel.height / height,
        )
        panel.draw(figure.add_axes(box))
        top = bottom - panel.below
    with atomic_file.atomic_path(path) as partial, warnings.catch_warnings():
        # Letters that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(partial, format="png")


def text_panel(text: str, height: float, **style) -> Panel:
    """Returns a panel of one line of text at the left, in a height in inches.

    `style` are keyword arguments of matplotlib's `Axes.text`.
    """

    def draw(axes):
        axes.set_axis_off()
        axes.text(0, 0, plain(text), va="bottom", parse_math=False, **style)

    return Panel(height, draw, 0.06)


def plain(text: str) -> str:
    """Replaces what cannot be drawn in one line, such as control characters."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(
        x if x.isprintable() else "\N{REPLACEMENT CHARACTER}" for x in text
    )


def choose_units(attention: np.ndarray) -> ShownUnits:
    """Chooses all units, or those whose weights have the lowest entropy."""
    attention = np.asarray(attention, np.float64)
    if len(attention) <= MAX_UNITS:
        return ShownUnits(np.arange(len(attention)), attention, None)
    order = np.argsort(weights_entropy(attention), kind="stable")
    units = order[:MOST_DECIDED]
    mean = attention.mean(axis=0, keepdims=True)
    return ShownUnits(units, attention[units], mean)


def draw_strip(
    axes: Axes,
    weights: np.ndarray,
    spans: np.ndarray,
    extent: tuple[float, float],
    names: list[str],
) -> None:
    """Draws a row for each unit and a column for each frame, at its time.

    Colours go from black (0) to bright yellow (the largest weight). Weights are
    floats `(num_rows, num_frames)`. Spans are begin and end of each frame in
    seconds, ascending floats `(num_frames, 2)`; frames that overlap are drawn
    up to the middle of the overlap. The time axis has the extent.
    """
    edges = _separate(spans)
    # A column between any two frames, of width 0 where they touch.
    columns = np.full((len(weights), 2 * len(edges) - 1), np.nan)
    columns[:, ::2] = weights
    axes.set_facecolor(NO_FRAME)
    axes.pcolormesh(
        edges.ravel(),
        np.arange(len(weights) + 1),
        np.ma.masked_invalid(columns),
        cmap="inferno",
        vmin=0,
        vmax=float(np.max(weights)) or 1.0,
        antialiased=False,
    )
    for row in range(1, len(weights)):
        axes.axhline(row, color="white", linewidth=0.6)
    axes.set_xlim(extent)
    axes.set_ylim(len(weights), 0)
    axes.set_yticks(np.arange(len(weights)) + 0.5, names, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)


def _separate(spans):
    """Returns spans that meet in the middle where they overlapped."""
    edges = np.array(spans, np.float64)
    overlap = edges[:-1, 1] > edges[1:, 0]
    middle = (edges[:-1, 1] + edges[1:, 0]) / 2
    edges[:-1, 1] = np.where(overlap, middle, edges[:-1, 1])
    edges[1:, 0] = np.where(overlap, middle, edges[1:, 0])
    return edges
