"""Accuracy against the number of attention units."""

import dataclasses
import math
import os
from collections.abc import Mapping

from matplotlib import lines
from matplotlib import ticker
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file

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
