"""The pictures of a sweep's page."""

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
from cells import MINDSPORE
from cells import PAPER
from cells import TITLES
from table_1_results import CellStatistics
from table_1_results import ProtocolResults
from table_1_results import Table
from table_1_results import columns
from table_1_results import tabulate_cells

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


_MARKERS = "x+1234"  # of other people's points


@dataclasses.dataclass(frozen=True)
class SizeCurve:
    """The accuracy of one kind of cluster at several sizes.

    Accuracies are in percent; each mapping's keys are numbers of units.

    Attributes:
        accuracy: What was measured.
        color: Any colour of matplotlib's.
        deviation: Half the length of the error bars; a size may be missing.
        published: The paper's accuracies, a dashed line.
        others: Other people's accuracies by their name, points.
    """

    accuracy: Mapping[int, float]
    color: str
    deviation: Mapping[int, float] = dataclasses.field(default_factory=dict)
    published: Mapping[int, float] = dataclasses.field(default_factory=dict)
    others: Mapping[str, Mapping[int, float]] = dataclasses.field(
        default_factory=dict
    )


def save_size_curves(
    curves: Mapping[str, SizeCurve],
    path: str | os.PathLike,
    detail: tuple[float, float] = (75, 95),
) -> None:
    """Draws accuracies over the number of units, on a logarithmic axis.

    Args:
        curves: Mapping from a curve's name to the curve.
        path: The PNG file to write. The same curves give the same bytes.
        detail: Lowest and highest accuracy of a second panel with the same
            curves.

    Raises:
        ValueError: If there is no curve, or one has no point.
    """
    if not curves or not all(x.accuracy for x in curves.values()):
        raise ValueError(
            "Expected one curve or more, with a point or more each. Received: "
            f"curves={dict(curves)}. Leave out what was not trained."
        )
    others = sorted({name for x in curves.values() for name in x.others})
    markers = {x: _MARKERS[i % len(_MARKERS)] for i, x in enumerate(others)}
    figure = Figure(figsize=(12, 4.8), dpi=150, layout="constrained")
    for axes, limits in zip(
        figure.subplots(1, 2), ((0, 100), detail), strict=True
    ):
        for curve in curves.values():
            _draw(axes, curve, markers)
        _prepare(axes, curves.values(), limits)
    figure.legend(
        handles=_keys(curves, markers),
        loc="outside right center",
        frameon=False,
    )
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})


def _draw(axes, curve, markers):
    # A line does not pass over a size that only others tried.
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


def _prepare(axes, curves, limits):
    sizes = sorted({x for y in curves for x in (*y.accuracy, *y.published)})
    axes.set_xscale("log", base=2)
    axes.set(xlabel="Units", ylabel="Test accuracy (%)", ylim=limits)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _keys(curves, markers):
    """Gives the legend's lines; those of no one curve are gray."""
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


ACCURACY = "Test accuracy against the number of units"  # its caption
PANELS = {"without shifting": "{}", "with shifting": "{}_shift"}


def draw_pictures(
    protocol: ProtocolResults, folder: pathlib.Path
) -> dict[str, str]:
    """Draws a protocol's pictures.

    Args:
        protocol: What came out.
        folder: Where to; it exists.

    Returns:
        Mapping from a picture's caption to its file's name.
    """
    table = tabulate_cells(protocol.cells)
    name = f"{protocol.name}_accuracy.png"
    curves = {
        TITLES[family]: _size_curve(table, family) for family in columns(table)
    }
    save_size_curves(curves, folder / name)
    names = {ACCURACY: name}
    for weighting in ("fc1", "fc2"):
        panels = _panels(table, weighting)
        if panels:
            name = f"{protocol.name}_{weighting}_curves.png"
            save_cell_curves(panels, folder / name)
            kind = TITLES[weighting]
            names[f"{kind}: validation accuracy over the epochs"] = name
    return names


def _panels(table: Table, weighting: str) -> dict[str, dict[int, list[float]]]:
    """Gives the curves of those of the two families that have a cell."""
    panels = {}
    for title, pattern in PANELS.items():
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
        f"C{list(FAMILIES).index(family)}",  # the same in all pictures
        {size: x for size, x in deviations.items() if x is not None},
        PAPER[family],
        {
            f"MindSpore, {device}": figures[family]
            for device, figures in MINDSPORE.items()
            if family in figures
        },
    )


def _of_family(table: Table, family: str) -> dict[int, CellStatistics]:
    return {
        num_units: cell
        for (name, num_units), cell in table.items()
        if name == family
    }
