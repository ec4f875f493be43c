"""A picture made of blocks, one below the other, of sizes in inches."""

import dataclasses
import os
import warnings
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file

INNER_WIDTH = 8.6  # inches, of every block
_LEFT, _RIGHT, _EDGE = 1.1, 0.3, 0.15  # inches around them
_DPI = 100


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of a page.

    Attributes:
        height: Inches.
        draw: Called with axes of this height and of `INNER_WIDTH`.
        below: Blank inches beneath it, for labels of the axes, too.
    """

    height: float
    draw: Callable[[Axes], None]
    below: float = 0.1


def save_blocks(blocks: Sequence[Block], path: str | os.PathLike) -> None:
    """Draws blocks from top to bottom and saves the picture.

    Args:
        blocks: The blocks.
        path: The PNG file to write.
    """
    width = _LEFT + INNER_WIDTH + _RIGHT
    height = 2 * _EDGE + sum(block.height + block.below for block in blocks)
    figure = Figure(figsize=(width, height), dpi=_DPI)
    top = height - _EDGE
    for block in blocks:
        bottom = top - block.height
        block.draw(
            figure.add_axes(
                (
                    _LEFT / width,
                    bottom / height,
                    INNER_WIDTH / width,
                    block.height / height,
                )
            )
        )
        top = bottom - block.below
    with atomic_file.atomic_path(path) as partial, warnings.catch_warnings():
        # Of letters that the font lacks; they become boxes.
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(partial, format="png")


def text_block(text: str, height: float, **style) -> Block:
    """A line of text at the left, and nothing else.

    Args:
        text: The line, taken as it is.
        height: Inches.
        **style: Of the text, as matplotlib takes it.
    """

    def draw(axes):
        axes.set_axis_off()
        axes.text(0, 0, plain(text), va="bottom", parse_math=False, **style)

    return Block(height, draw, 0.06)


def plain(text: str) -> str:
    """A name as one line that can be drawn, whatever bytes it was made of."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(
        x if x.isprintable() else "\N{REPLACEMENT CHARACTER}" for x in text
    )


MAX_UNITS = 16  # of more, the most decided ones and the mean are drawn
MOST_DECIDED = 12
_COLORS = "inferno"
NO_FRAME = "0.92"  # gray


@dataclasses.dataclass(frozen=True)
class ShownUnits:
    """The units that are drawn.

    Attributes:
        units: Their indices, from top to bottom.
        weights: Floats `(num_shown, num_frames)`.
        mean: The mean over all units, floats `(1, num_frames)`; None where
            all are drawn.
    """

    units: np.ndarray
    weights: np.ndarray
    mean: np.ndarray | None


def choose_units(attention: np.ndarray) -> ShownUnits:
    """Chooses all units, or those whose weights are the least even.

    Args:
        attention: Floats `(num_units, num_frames)`.
    """
    attention = np.asarray(attention, np.float64)
    if len(attention) <= MAX_UNITS:
        return ShownUnits(np.arange(len(attention)), attention, None)
    units = np.argsort(_entropy(attention), kind="stable")[:MOST_DECIDED]
    mean = attention.mean(axis=0, keepdims=True)
    return ShownUnits(units, attention[units], mean)


def cell_edges(spans: np.ndarray) -> np.ndarray:
    """Gives spans of time that do not overlap.

    Args:
        spans: Begin and end, ascending floats `(num_frames, 2)`.

    Returns:
        The same, but where two overlap they meet in the overlap's middle.
    """
    edges = np.array(spans, np.float64)
    overlap = edges[:-1, 1] > edges[1:, 0]
    middle = (edges[:-1, 1] + edges[1:, 0]) / 2
    edges[:-1, 1] = np.where(overlap, middle, edges[:-1, 1])
    edges[1:, 0] = np.where(overlap, middle, edges[1:, 0])
    return edges


def draw_strip(
    axes: Axes,
    weights: np.ndarray,
    spans: np.ndarray,
    extent: tuple[float, float],
    names: list[str],
) -> None:
    """Draws a row for each unit and a column for each frame, at its time.

    From black (nothing) to bright yellow (the largest weight).

    Args:
        axes: To draw into.
        weights: Floats `(num_rows, num_frames)`.
        spans: As in `cell_edges`.
        extent: Seconds at which the axis of time begins and ends.
        names: Of the rows.
    """
    edges = cell_edges(spans)
    # A column between any two frames, without a width where they touch.
    columns = np.full((len(weights), 2 * len(edges) - 1), np.nan)
    columns[:, ::2] = weights
    axes.set_facecolor(NO_FRAME)
    axes.pcolormesh(
        edges.ravel(),
        np.arange(len(weights) + 1),
        np.ma.masked_invalid(columns),
        cmap=_COLORS,
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


def _entropy(attention):
    logs = np.log(np.maximum(attention, np.finfo(np.float64).tiny))
    return -(attention * logs).sum(axis=1)
