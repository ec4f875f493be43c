"""Plots of a sweep: accuracy by number of units, and by epoch."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib import lines
from matplotlib import ticker
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file
from cells import FAMILIES
from cells import MINDSPORE_ACCURACIES
from cells import PAPER_ACCURACIES
from cells import TITLES
from table_1_results import CellStatistics
from table_1_results import ProtocolResults
from table_1_results import Table
from table_1_results import columns
from table_1_results import tabulate_cells

_COLORS = colormaps["viridis"]
_LIGHTEST = 0.92  # of the colors; lighter ones are hard to see on white
_MARKERS = "x+1234"  # of accuracies by others
_PANELS = {"without shifting": "{}", "with shifting": "{}_shift"}


@dataclasses.dataclass(frozen=True)
class SizeCurve:
    """Accuracies of a kind of cluster by number of units, in percent.

    Attributes:
        accuracy: Measured accuracies.
        color: A color of matplotlib.
        deviation: Half the length of the error bars; may lack sizes.
        published: Accuracies of the paper, drawn as a dashed line.
        others: Accuracies by others, by their name, drawn as points.
    """

    accuracy: Mapping[int, float]
    color: str
    deviation: Mapping[int, float] = dataclasses.field(default_factory=dict)
    published: Mapping[int, float] = dataclasses.field(default_factory=dict)
    others: Mapping[str, Mapping[int, float]] = dataclasses.field(
        default_factory=dict
    )


def save_figures(protocol: ProtocolResults, folder: pathlib.Path) -> list[str]:
    """Draws the plots of a protocol.

    Args:
        protocol: Results of the protocol.
        folder: Folder of the plots, which exists.

    Returns:
        Names of the files.
    """
    table = tabulate_cells(protocol.cells)
    names = [f"{protocol.name}_accuracy.png"]
    curves = {
        TITLES[family]: _size_curve(table, family) for family in columns(table)
    }
    save_size_curves(curves, folder / names[0])
    for weighting in ("fc1", "fc2"):
        panels = _panels(table, weighting)
        if panels:
            names.append(f"{protocol.name}_{weighting}_curves.png")
            save_cell_curves(panels, folder / names[-1])
    return names


def save_cell_curves(
    panels: Mapping[str, Mapping[int, Sequence[float]]],
    path: str | os.PathLike,
) -> None:
    """Draws validation accuracy by epoch, a curve for each number of units.

    Panels stand side by side and have the same axes. A number of units has the
    same color in all panels; more units have a lighter color.

    Args:
        panels: For each title of a panel, a mapping from the number of units
            to the accuracy of every epoch, in percent.
        path: PNG file to write. The same curves give the same bytes.

    Raises:
        ValueError: If there is no curve, or a value is not a percentage.
    """
    _check_panels(panels)
    sizes = sorted({size for curves in panels.values() for size in curves})
    steps = max(len(sizes) - 1, 1)
    colors = {x: _COLORS(_LIGHTEST * i / steps) for i, x in enumerate(sizes)}
    figure = Figure(
        figsize=(1.2 + 4.4 * len(panels), 4.2), dpi=150, layout="constrained"
    )
    row = figure.subplots(
        1, len(panels), sharex=True, sharey=True, squeeze=False
    )[0]
    drawn = {}
    for axes, (title, curves) in zip(row, panels.items(), strict=True):
        for size in sorted(curves):
            epochs = range(1, len(curves[size]) + 1)
            (drawn[size],) = axes.plot(
                epochs, curves[size], color=colors[size], marker="o", ms=2.5
            )
        axes.set(title=title, xlabel="Epoch", ylim=(0, 100))
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    longest = max(len(y) for x in panels.values() for y in x.values())
    row[0].set_xlim(0, 1.03 * longest)  # of all panels
    row[0].set_ylabel("Validation accuracy (%)")
    figure.legend(
        [drawn[x] for x in reversed(sizes)],
        [str(x) for x in reversed(sizes)],
        title="Units",
        loc="outside right center",
        frameon=False,
    )
    _save(figure, path)


def save_size_curves(
    curves: Mapping[str, SizeCurve],
    path: str | os.PathLike,
    detail: tuple[float, float] = (75, 95),
) -> None:
    """Draws test accuracy by number of units, on a logarithmic axis.

    Args:
        curves: Mapping from a curve's name to the curve.
        path: PNG file to write. The same curves give the same bytes.
        detail: Lowest and highest accuracy of a second panel, which shows the
            same curves enlarged.

    Raises:
        ValueError: If there is no curve, or a curve has no point.
    """
    if not curves or not all(x.accuracy for x in curves.values()):
        raise ValueError(
            "Expected one curve or more, each with a point or more. Received: "
            f"curves={dict(curves)}. Leave out what was not trained."
        )
    others = sorted({name for x in curves.values() for name in x.others})
    markers = {x: _MARKERS[i % len(_MARKERS)] for i, x in enumerate(others)}
    figure = Figure(figsize=(12, 4.8), dpi=150, layout="constrained")
    for axes, limits in zip(
        figure.subplots(1, 2), ((0, 100), detail), strict=True
    ):
        for curve in curves.values():
            _draw_size_curve(axes, curve, markers)
        _label_axes(axes, curves.values(), limits)
    figure.legend(
        handles=_legend_lines(curves, markers),
        loc="outside right center",
        frameon=False,
    )
    _save(figure, path)


def _save(figure, path):
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})


def _check_panels(panels):
    curves = [
        curve for sizes in panels.values() for curve in sizes.values() if curve
    ]
    if not curves or len(curves) < sum(map(len, panels.values())):
        raise ValueError(
            "Expected panels with a curve or more, each of one epoch or more. "
            f"Received: panels={ {x: dict(y) for x, y in panels.items()} }. "
            "Leave out what was not trained."
        )
    wrong = [x for curve in curves for x in curve if not 0 <= x <= 100]
    if wrong:
        raise ValueError(
            "Expected accuracies in percent, from 0 to 100. Received: "
            f"{wrong[0]}."
        )


def _draw_size_curve(axes, curve, markers):
    # The line has gaps at sizes that only others measured.
    sizes = sorted({*curve.accuracy, *curve.published})
    axes.errorbar(
        sizes,
        [curve.accuracy.get(size, math.nan) for size in sizes],
        yerr=[curve.deviation.get(size, math.nan) for size in sizes],
        color=curve.color,
        capsize=3,
        marker="o",
        markersize=4,
    )
    dashes = {"linestyle": "--", "alpha": 0.7}
    _plot(axes, curve.published, color=curve.color, **dashes)
    for name, points in curve.others.items():
        marker = {"linestyle": "", "marker": markers[name]}
        _plot(axes, points, color=curve.color, **marker)


def _plot(axes, points, **style):
    sizes = sorted(points)
    axes.plot(sizes, [points[size] for size in sizes], **style)


def _label_axes(axes, curves, limits):
    sizes = sorted({x for y in curves for x in (*y.accuracy, *y.published)})
    axes.set_xscale("log", base=2)
    axes.set(xlabel="Units", ylabel="Test accuracy (%)", ylim=limits)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _legend_lines(curves, markers):
    """Returns lines for the legend, gray where several curves have them."""
    keys = [
        lines.Line2D([], [], color=x.color, marker="o", label=name)
        for name, x in curves.items()
    ]
    if any(x.published for x in curves.values()):
        keys.append(lines.Line2D([], [], color="gray", ls="--", label="paper"))
    return keys + [
        lines.Line2D([], [], color="gray", ls="", marker=marker, label=name)
        for name, marker in markers.items()
    ]


def _panels(table: Table, weighting: str) -> dict[str, dict[int, list[float]]]:
    """Returns the curves of the two families that have a cell."""
    panels = {}
    for title, pattern in _PANELS.items():
        cells = _of_family(table, pattern.format(weighting))
        if cells:
            panels[f"{TITLES[weighting]} {title}"] = {
                size: cell.curve("val_accuracy") for size, cell in cells.items()
            }
    return panels


def _size_curve(table: Table, family: str) -> SizeCurve:
    cells = _of_family(table, family)
    deviations = {
        size: cell.deviation("test_accuracy") for size, cell in cells.items()
    }
    return SizeCurve(
        {size: cell.mean("test_accuracy") for size, cell in cells.items()},
        f"C{list(FAMILIES).index(family)}",  # the same in all plots
        {size: x for size, x in deviations.items() if x is not None},
        PAPER_ACCURACIES[family],
        {
            f"MindSpore, {device}": accuracies[family]
            for device, accuracies in MINDSPORE_ACCURACIES.items()
            if family in accuracies
        },
    )


def _of_family(table: Table, family: str) -> dict[int, CellStatistics]:
    return {
        num_units: cell
        for (name, num_units), cell in table.items()
        if name == family
    }
