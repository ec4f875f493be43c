"""Charts of a run's report, as SVG elements to be put into HTML."""

import io
import math
import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

LOWER_IS_BETTER = ("loss", "error", "entropy", "perplexity")
MAX_MARKED_EPOCHS = 12  # a curve of more epochs has no markers
NUM_BINS = 20  # of the histogram of class accuracies

# Colours in the figures, and the variables of the page that replace them.
_INK, _DIM, _LINE = "#1c1f24", "#5c6570", "#dde1e6"
_FIRST, _SECOND = "#1f6fc4", "#b8590a"
_VARIABLES = {
    _INK: "var(--ink)",
    _DIM: "var(--dim)",
    _LINE: "var(--line)",
    _FIRST: "var(--first)",
    _SECOND: "var(--second)",
}
_STYLE = {"svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"]}
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


def is_share(name: str) -> bool:
    """Returns whether a metric of this name is shown in percent."""
    return "accuracy" in name or "hit_at" in name


def draw_metrics(epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Draws a chart for each metric; those with a validation curve come first.

    Args:
        epochs: As in `write_report`.

    Returns:
        A dict for each chart: `name` of the metric, `curves` (the names of
        those that are drawn), `best` (the best validation value and its
        epoch, or None) and `svg`.
    """
    names = dict.fromkeys(
        name.removeprefix("val_")
        for row in epochs
        for name in row
        if name != "epoch"
    )
    numbers = 1 + np.array(
        [int(row.get("epoch", index)) for index, row in enumerate(epochs)]
    )
    charts = []
    for name in sorted(
        names, key=lambda name: not any(f"val_{name}" in row for row in epochs)
    ):
        curves = {
            "training": _metric_values(epochs, name),
            "validation": _metric_values(epochs, f"val_{name}"),
        }
        if np.isfinite([*curves.values()]).any():
            charts.append(_draw_metric(name, numbers, curves, len(charts)))
    return charts


def draw_histogram(accuracy: np.ndarray) -> str:
    """Draws the number of classes by accuracy, 0 to 1, as an SVG element."""
    heights, edges = np.histogram(accuracy, bins=NUM_BINS, range=(0, 1))
    figure, axes = _new_figure(450, 170, (20, 38, 20, 16))
    bars = axes.bar(
        100 * edges[:-1], heights, 90 / NUM_BINS, align="edge", color=_FIRST
    )
    labels = [str(height or "") for height in heights]
    axes.bar_label(bars, labels, fontsize=10, color=_DIM, padding=2)
    axes.axhline(0, color=_LINE)
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 20), [f"{x} %" for x in range(0, 101, 20)])
    axes.set_yticks([])
    axes.set_xlabel("accuracy", color=_DIM, fontsize=12, labelpad=0)
    return _inline_svg(figure, "histogram")


def _metric_values(epochs, name):
    """Reads a metric, float64 `(num_epochs,)`; NaN if not a finite number."""
    values = []
    for row in epochs:
        try:
            value = float(row.get(name))
        except (TypeError, ValueError):
            value = math.nan
        values.append(value if math.isfinite(value) else math.nan)
    return np.array(values, np.float64)


def _draw_metric(name, numbers, curves, index):
    figure, axes = _new_figure(420, 234, (66, 38, 14, 12))
    _draw_grid(axes, name, numbers, np.concatenate([*curves.values()]))
    curves = {x: y for x, y in curves.items() if np.isfinite(y).any()}
    for kind, values in curves.items():
        is_second = kind == "training" and len(curves) > 1
        _draw_curve(axes, numbers, values, is_second)
    best = None
    if "validation" in curves:
        values = curves["validation"]
        lower = any(part in name for part in LOWER_IS_BETTER)
        place = np.nanargmin(values) if lower else np.nanargmax(values)
        best = float(values[place]), int(numbers[place])
        axes.axvline(best[1], color=_DIM, linewidth=1, linestyle=(0, (2, 3)))
        ring = {"ms": 9, "mfc": "none", "mec": _INK, "mew": 1.5}
        axes.plot(best[1], best[0], "o", clip_on=False, **ring)
    svg = _inline_svg(figure, f"chart-{index}")
    return {"name": name, "curves": [*curves], "best": best, "svg": svg}


def _new_figure(width, height, margins):
    """Returns a figure and its axes, whose sizes are in units of the SVG."""
    left, bottom, right, top = margins
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes(
        (
            left / width,
            bottom / height,
            1 - (left + right) / width,
            1 - (bottom + top) / height,
        )
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=6, labelsize=12, labelcolor=_DIM)
    return figure, axes


def _draw_grid(axes, name, numbers, values):
    """Draws the axes, with round levels from below the values to above."""
    low, high = np.nanmin(values), np.nanmax(values)
    if low == high:
        low, high = low - abs(low) / 2, high + abs(high) / 2
    locator = ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    levels = locator.tick_values(low, high)
    # Multiples of the step, without the locator's rounding errors.
    step = abs(levels[1] - levels[0])
    exact = [round(level / step, 6) * step for level in levels]
    if is_share(name) and levels[-1] <= 1.5:
        labels = [f"{100 * level:.6g} %" for level in exact]
    else:
        labels = [f"{level:.6g}" for level in exact]
    axes.set_yticks(levels, labels)
    axes.set_ylim(levels[0], levels[-1])
    axes.grid(axis="y", color=_LINE, linewidth=1)
    axes.set_axisbelow(True)
    first, last = numbers.min(), numbers.max()
    pad = 0.5 if first == last else 0
    axes.set_xlim(first - pad, last + pad)
    axes.xaxis.set_major_locator(
        ticker.MaxNLocator(6, integer=True, min_n_ticks=1)
    )
    axes.set_xlabel("epoch", color=_DIM, fontsize=12, labelpad=0)


def _draw_curve(axes, numbers, values, is_second):
    """Draws a line with gaps at NaN, and markers where a line is not seen."""
    finite = np.isfinite(values)
    marked = finite
    if finite.sum() > MAX_MARKED_EPOCHS:
        padded = np.pad(finite, 1)
        marked = finite & ~padded[:-2] & ~padded[2:]
    style = {"color": _FIRST, "linewidth": 2, "clip_on": False}
    dashes = "-"
    if is_second:
        style |= {"color": _SECOND, "linewidth": 1.5}
        dashes = (0, (3.5, 2))
    axes.plot(numbers, values, linestyle=dashes, **style)
    markers = {"marker": "o", "markersize": 5, "markeredgewidth": 0}
    axes.plot(numbers[marked], values[marked], linestyle="", **markers, **style)


def _inline_svg(figure, name):
    """Converts a figure of a unique name to `<svg>` in the page's colours."""
    file = io.StringIO()
    metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure.savefig(file, format="svg", transparent=True, metadata=metadata)
    source = ElementTree.fromstring(file.getvalue())
    drawing = source.find(f"{_SVG}g")
    for element in drawing.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.tail = None
        if element.tag != "text":
            element.text = None
        attributes = element.attrib
        attributes.pop("clip-path", None)  # nothing is outside the axes
        if element.tag == "g":
            attributes.pop("id", None)
        if f"{_LINK}href" in attributes:
            attributes["href"] = attributes.pop(f"{_LINK}href")
        if "d" in attributes:  # two decimals are enough
            path = re.sub(r"(\.\d\d)\d+", r"\1", attributes["d"])
            attributes["d"] = " ".join(path.split())
        for color, variable in _VARIABLES.items():
            if "style" in attributes:
                style = attributes["style"].replace(color, variable)
                attributes["style"] = style
    svg = ElementTree.Element("svg", viewBox=source.get("viewBox"))
    svg.append(drawing)
    return ElementTree.tostring(svg, encoding="unicode")
