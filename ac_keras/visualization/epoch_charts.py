"""Curves over the epochs, as SVG that follows the page's colours."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import ticker

from ac_keras.visualization.epoch_values import best_epoch
from ac_keras.visualization.epoch_values import metric_values
from ac_keras.visualization.readable_values import escape
from ac_keras.visualization.readable_values import is_share
from ac_keras.visualization.readable_values import readable_name
from ac_keras.visualization.readable_values import readable_number

_WIDTH, _HEIGHT = 420, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 14, 12, 34
_MARKED_POINTS = 12  # as many have a dot each


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
        training = metric_values(epochs, name)
        validation = metric_values(epochs, f"val_{name}")
        if np.isfinite([*training, *validation]).any():
            charts.append(_chart(name, numbers, training, validation))
    return f'<div class="charts">{"".join(charts)}</div>'


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
    levels = _levels(np.concatenate([training, validation]))
    scale = _Scale(
        (int(numbers.min()), int(numbers.max())), (levels[0], levels[-1])
    )
    parts = [_axes(name, scale, levels)]
    curves = {
        kind: values
        for kind, values in (("training", training), ("validation", validation))
        if np.isfinite(values).any()
    }
    parts += [
        _curve(kind if len(curves) > 1 else "alone", scale, numbers, values)
        for kind, values in curves.items()
    ]
    words = [f'<span class="key {kind}">{kind}</span>' for kind in curves]
    if len(curves) == 1:
        words = [kind for kind in curves if kind == "validation"]
    title, mark = escape(readable_name(name)), ""
    best = best_epoch(name, validation)
    if best is not None:
        parts.append(_mark(scale, numbers[best], validation[best]))
        value = readable_number(name, float(validation[best]))
        mark = f"best {escape(value)} in epoch {numbers[best]}"
    return (
        f'<figure class="chart"><figcaption><b>{title}</b> {mark}'
        f'<span class="keys">{" · ".join(words)}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{title} over the epochs">{"".join(parts)}</svg></figure>'
    )


def _levels(values):
    """Chooses round numbers from below the values to above them."""
    low, high = np.nanmin(values), np.nanmax(values)
    if low == high:
        low, high = low - abs(low) / 2, high + abs(high) / 2
    locator = ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    return locator.tick_values(low, high)


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
