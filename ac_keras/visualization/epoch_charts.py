"""Curves over the epochs, as SVG that follows the page's colours."""

import dataclasses
import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import ticker

from ac_keras.visualization.readable_values import escape
from ac_keras.visualization.readable_values import is_share
from ac_keras.visualization.readable_values import readable_name
from ac_keras.visualization.readable_values import readable_number

_WIDTH, _HEIGHT = 420, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 34
_MARKED_POINTS = 12  # as many have a dot each
_LOWER_IS_BETTER = ("loss", "error", "entropy", "perplexity")


def best_epoch(name: str, values: np.ndarray) -> int | None:
    """Finds the position of a metric's best value.

    The lowest of a loss, an error, an entropy or a perplexity, the highest of
    all others; the first where several are equal.

    Args:
        name: The metric's name.
        values: Floats `(num_epochs,)`; NaN where there is none.

    Returns:
        The position, or None where no value is finite.
    """
    if not np.isfinite(values).any():
        return None
    lower = any(part in name for part in _LOWER_IS_BETTER)
    signed = np.where(
        np.isfinite(values), -values if lower else values, -np.inf
    )
    return int(np.argmax(signed))


def epoch_charts(epochs: Sequence[Mapping[str, Any]]) -> str:
    """Draws one chart for each metric, training and validation together.

    Args:
        epochs: One mapping an epoch, from `epoch` (from 0 on; else the rows
            are counted) and names of metrics to numbers, or to text that is
            one. `val_NAME` belongs to `NAME`.

    Returns:
        HTML, pairs first; the best epoch is marked on validation curves.
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
    paired = sorted(
        names, key=lambda name: not any(f"val_{name}" in row for row in epochs)
    )
    charts = []
    for name in paired:
        training = _column(epochs, name)
        validation = _column(epochs, f"val_{name}")
        if np.isfinite([*training, *validation]).any():
            charts.append(_chart(name, numbers, training, validation))
    return f'<div class="charts">{"".join(charts)}</div>'


def _column(epochs, name):
    return np.array([_number(row.get(name)) for row in epochs])


def _number(value):
    try:
        value = float(value)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


@dataclasses.dataclass(frozen=True)
class _Scale:
    """Turns epochs and values into places in the picture."""

    epochs: tuple[float, float]
    values: tuple[float, float]

    def place(self, epoch, value):
        low, high = self.epochs
        x = (epoch - low) / (high - low) if high > low else 0.5
        low, high = self.values
        y = (high - value) / (high - low)
        return (
            _LEFT + x * (_WIDTH - _LEFT - _RIGHT),
            _TOP + y * (_HEIGHT - _TOP - _BOTTOM),
        )


def _chart(name, numbers, training, validation):
    finite = np.concatenate([training, validation])
    finite = finite[np.isfinite(finite)]
    levels = ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(
        finite.min(), finite.max()
    )
    scale = _Scale(
        (int(numbers.min()), int(numbers.max())), (levels[0], levels[-1])
    )
    parts = [_axes(name, scale, levels)]
    words = []
    for kind, values in (("training", training), ("validation", validation)):
        if np.isfinite(values).any():
            parts.append(_curve(kind, scale, numbers, values))
            words.append(f'<span class="key {kind}">{kind}</span>')
    best = best_epoch(name, validation)
    if best is not None:
        parts.append(_mark(scale, numbers[best], validation[best]))
        value = readable_number(name, float(validation[best]))
        words.append(f"best {escape(value)} in epoch {numbers[best]}")
    title = escape(readable_name(name))
    return (
        f'<figure class="chart"><figcaption><b>{title}</b> '
        f'<span class="keys">{" · ".join(words)}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{title} over the epochs">{"".join(parts)}</svg></figure>'
    )


def _axes(name, scale, levels):
    right = _WIDTH - _RIGHT
    parts = []
    for level in levels:
        _, y = scale.place(scale.epochs[0], level)
        parts.append(
            f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{_level(name, level, levels)}</text>"
        )
    low, high = scale.epochs
    steps = ticker.MaxNLocator(6, integer=True).tick_values(low, high)
    for epoch in sorted({int(step) for step in steps if low <= step <= high}):
        x, _ = scale.place(epoch, levels[0])
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 18}" text-anchor="middle">'
            f"{epoch}</text>"
        )
    middle = (_LEFT + right) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 3}" text-anchor="middle">epoch'
        "</text>"
    )
    return "".join(parts)


def _level(name, level, levels):
    if is_share(name) and levels[-1] <= 1.5:
        return f"{100 * level:.6g} %"
    # A difference of 1e-17 from a round number is the ticker's, not ours.
    step = abs(levels[1] - levels[0])
    return f"{round(level / step, 6) * step:.6g}"


def _curve(kind, scale, numbers, values):
    """Draws a line, broken where a value is missing."""
    runs, run = [], []
    for epoch, value in zip(numbers, values, strict=True):
        if np.isfinite(value):
            run.append(scale.place(epoch, value))
        elif run:
            runs.append(run)
            run = []
    runs = [*runs, run] if run else runs
    lines = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs
    )
    all_dots = sum(map(len, runs)) <= _MARKED_POINTS
    dots = "".join(
        f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
        for run in runs
        if all_dots or len(run) == 1
        for x, y in run
    )
    return f'<path class="curve {kind}" d="{lines}"/>{dots}'


def _mark(scale, epoch, value):
    x, y = scale.place(epoch, value)
    return (
        f'<path class="best" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        f'<circle class="best" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    )
