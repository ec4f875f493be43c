"""Accuracy of clusters of different sizes over the epochs, as in Figure 4."""

import os
from collections.abc import Mapping
from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib import ticker
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file

_COLORS = colormaps["viridis"]
_LIGHTEST = 0.92  # of the colours; beyond it they are hard to see on white


def save_cell_curves(
    panels: Mapping[str, Mapping[int, Sequence[float]]],
    path: str | os.PathLike,
) -> None:
    """Draws the accuracies into panels side by side, a curve for each size.

    A number of units has the same colour in all panels, a lighter one the
    more units there are. All panels have the same axes.

    Args:
        panels: For each panel's title a mapping from the number of units to
            the validation accuracy of every epoch, in percent.
        path: The PNG file to write. The same curves give the same bytes.

    Raises:
        ValueError: If there is nothing to draw or a value is no percentage.
    """
    _check(panels)
    sizes = sorted({size for curves in panels.values() for size in curves})
    steps = max(len(sizes) - 1, 1)
    colors = {x: _COLORS(_LIGHTEST * i / steps) for i, x in enumerate(sizes)}
    figure = Figure(
        figsize=(1.2 + 4.4 * len(panels), 4.2), dpi=150, layout="constrained"
    )
    row = figure.subplots(
        1, len(panels), sharex=True, sharey=True, squeeze=False
    )[0]
    lines = {}
    for axes, (title, curves) in zip(row, panels.items(), strict=True):
        for size in sorted(curves):
            epochs = range(1, len(curves[size]) + 1)
            (lines[size],) = axes.plot(
                epochs, curves[size], color=colors[size], marker="o", ms=2.5
            )
        axes.set(title=title, xlabel="Epoch", ylim=(0, 100))
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    longest = max(len(y) for x in panels.values() for y in x.values())
    row[0].set_xlim(0, 1.03 * longest)  # of all panels
    row[0].set_ylabel("Validation accuracy (%)")
    figure.legend(
        [lines[x] for x in reversed(sizes)],
        [str(x) for x in reversed(sizes)],
        title="Units",
        loc="outside right center",
        frameon=False,
    )
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})


def _check(panels):
    curves = [
        curve for sizes in panels.values() for curve in sizes.values() if curve
    ]
    if not curves or len(curves) < sum(map(len, panels.values())):
        raise ValueError(
            "Expected panels with a curve each, of one epoch or more. "
            f"Received: panels={ {x: dict(y) for x, y in panels.items()} }. "
            "Leave out what was not trained."
        )
    wrong = [x for curve in curves for x in curve if not 0 <= x <= 100]
    if wrong:
        raise ValueError(
            f"Expected accuracies from 0 to 100. Received: {wrong[0]}. Give "
            "them in percent."
        )
