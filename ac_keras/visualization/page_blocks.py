"""A picture made of blocks, one below the other, of sizes in inches."""

import dataclasses
import os
import warnings
from collections.abc import Callable
from collections.abc import Sequence

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
