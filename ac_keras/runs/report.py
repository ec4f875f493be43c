"""What a run came to, on one page."""

import base64
import dataclasses
import html
import io
import itertools
import math
import numbers
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import image
from matplotlib import ticker

from ac_keras.utils import atomic_file
from ac_keras.visualization.attended_clips import AttendedClip

_SHARES = ("accuracy", "hit_at")
_NO_VALUE = "–"


def escape(value: Any) -> str:
    """Makes any value safe inside HTML, in text and in attributes."""
    text = str(value).encode("utf-8", "replace").decode()
    return html.escape(text)


def shorten(text: str, length: int) -> str:
    """Cuts a text down to so many characters, saying so by an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def readable_name(name: str) -> str:
    """Turns `val_top_5_accuracy` into `validation top 5 accuracy`."""
    if name.startswith("val_"):
        name = "validation_" + name.removeprefix("val_")
    return name.replace("_", " ")


def is_share(name: str) -> bool:
    """Whether a metric of this name is told in percent."""
    return any(part in name for part in _SHARES)


def readable_number(name: str, value: Any) -> str:
    """Turns a metric's or a result's value into a few characters.

    Args:
        name: Its name, which tells shares and seconds from other numbers.
        value: A number, or anything else, which is taken as it is.

    Returns:
        Text, not escaped.
    """
    if value is None:
        return _NO_VALUE
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return readable_setting(value)
    value = int(value) if isinstance(value, numbers.Integral) else float(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else str(value)
    if is_share(name) and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    if name.endswith("seconds") and value >= 100:
        return _duration(round(value))
    return f"{value:,}" if isinstance(value, int) else _float(value)


def readable_setting(value: Any) -> str:
    """Turns a flag's value into text, not escaped."""
    if value is None or value == "":
        return _NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or _NO_VALUE
    return str(value)


def _float(value):
    if abs(value) >= 10_000:
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.4g}"
    return f"{value:.4g}"


def _duration(seconds):
    hours, minutes = divmod(round(seconds / 60), 60)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{hours} h {minutes} min"


_NUM_OTHERS = 9  # columns besides the classes themselves
_CELL, _NAMES, _HEAD = 22, 130, 112  # a cell, the room for names


def draw_confusion(
    confusion: np.ndarray, class_names: Sequence[str], worst: np.ndarray
) -> str:
    """Draws some classes by what they are taken for.

    Args:
        confusion: Integers `(num_classes, num_classes)`, true by predicted.
        class_names: One name a class.
        worst: Indices of the classes that have a row; each has a clip.

    Returns:
        HTML, an SVG with its caption.
    """
    columns = _columns(confusion, worst)
    cells = confusion[np.ix_(worst, columns)]
    rest = confusion[worst].sum(axis=1, keepdims=True)
    rest = rest - cells.sum(axis=1, keepdims=True)
    names = [shorten(str(class_names[index]), 17) for index in columns]
    if rest.any():
        cells, names = np.concatenate([cells, rest], axis=1), [*names, "others"]
    parts = [
        _text(name, f"rotate(-60 {x} {_HEAD - 6})", x, _HEAD - 6, "start")
        for name, x in zip(names, _middles(_NAMES), strict=False)
    ]
    parts += [
        _text(name, "", _NAMES - 6, y + 4, "end")
        for name, y in zip(names[: len(worst)], _middles(_HEAD), strict=False)
    ]
    for row, counts in enumerate(cells):
        shares = counts / counts.sum()
        parts += [
            _cell(row, column, int(count), share)
            for column, (count, share) in enumerate(
                zip(counts, shares, strict=True)
            )
        ]
    width = _NAMES + _CELL * len(names) + _HEAD // 2
    height = _HEAD + _CELL * len(worst) + 2
    return (
        '<figure class="matrix"><figcaption><b>what these classes are taken '
        'for</b> <span class="keys">a row for each true class, a column for '
        "each predicted one; the fuller the colour, the larger the share of "
        f'the row</span></figcaption><div class="scroll"><svg viewBox="0 0 '
        f'{width} {height}" style="min-width:{0.9 * width:.0f}px;max-width:'
        f'{1.25 * width:.0f}px" role="img" aria-label="confusion of the worst '
        f'classes">{"".join(parts)}</svg></div></figure>'
    )


def _columns(confusion, worst):
    """Chooses the worst classes and those that they are most taken for."""
    taken = confusion[worst].sum(axis=0)
    taken[worst] = 0
    order = np.argsort(-taken, kind="stable")[:_NUM_OTHERS]
    return np.concatenate([worst, order[taken[order] > 0]])


def _middles(start):
    """The middles of the cells, one after the other."""
    return itertools.count(start + _CELL // 2, _CELL)


def _text(text, transform, x, y, anchor):
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" '
        f'transform="{transform}">{escape(text)}</text>'
    )


def _cell(row, column, count, share):
    x, y = _NAMES + _CELL * column, _HEAD + _CELL * row
    kind = "right" if row == column else "wrong"
    text = f"{count:,}" if count < 1000 else f"{count / 1000:.0f}k"
    number = (
        f'<text class="{"count on" if share > 0.6 else "count"}" '
        f'x="{x + _CELL / 2:.0f}" y="{y + 14}" text-anchor="middle">{text}'
        "</text>"
    )
    return (
        f'<rect class="{kind}" x="{x + 0.5}" y="{y + 0.5}" '
        f'width="{_CELL - 1}" height="{_CELL - 1}" '
        f'fill-opacity="{0.06 + 0.94 * share:.2f}"/>'
        f"{number if count else ''}"
    )


NUM_WORST = 15
NUM_ANSWERS = 3
_BINS = 20


def class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Computes each class's accuracy.

    Args:
        confusion: Integers `(num_classes, num_classes)`, true by predicted.

    Returns:
        float64 `(num_classes,)`, NaN where a class has no clip.
    """
    counts = confusion.sum(axis=1, dtype=np.float64)
    counts[counts == 0] = np.nan
    return np.diagonal(confusion) / counts


def worst_classes(confusion: np.ndarray, limit: int = NUM_WORST) -> np.ndarray:
    """Finds the classes of the lowest accuracy.

    Args:
        confusion: Integers `(num_classes, num_classes)`, true by predicted.
        limit: How many at most.

    Returns:
        Indices, worst first; of equal ones that with more clips. Classes
        without a clip are left out, and, where there are more classes than
        `limit`, those without a wrong answer.
    """
    accuracy = class_accuracy(confusion)
    below = 1.0 if len(confusion) > limit else np.inf
    candidates = np.flatnonzero(accuracy < below)  # NaN is not below
    counts = confusion.sum(axis=1)[candidates]
    order = np.lexsort((-counts, accuracy[candidates]))
    return candidates[order][:limit]


def confusion_section(confusion: np.ndarray, class_names: Sequence[str]) -> str:
    """Tells how accuracy spreads over the classes and where it is low.

    Raises:
        ValueError: If the shape is not that of the classes.
    """
    confusion = np.asarray(confusion)
    count = len(class_names)
    if confusion.shape != (count, count):
        raise ValueError(
            f"Expected a confusion of shape {(count, count)}, true class by "
            f"predicted class. Received: confusion.shape={confusion.shape}. "
            "Give the class names of the model that it was counted for."
        )
    worst = worst_classes(confusion)
    if not confusion.any():
        return "<p>No clip was counted.</p>"
    few = count <= NUM_WORST  # all are in the table then
    spread = "" if few else _spread(class_accuracy(confusion))
    if not len(worst):
        return spread + "<p>No class has a wrong answer.</p>"
    title = "All classes" if few else f"The {len(worst)} worst classes"
    return (
        f"{spread}<h3>{title}</h3>"
        + _table_of_class_confusion(confusion, class_names, worst)
        + draw_confusion(confusion, class_names, worst)
    )


def _spread(accuracy):
    """Draws how many classes have which accuracy, and says it in words."""
    known = accuracy[np.isfinite(accuracy)]
    low, tenth, middle, high = np.percentile(known, [0, 10, 50, 100]) * 100
    words = (
        f"Over {len(known):,} classes with clips: worst {low:.1f} %, a tenth "
        f"at or below {tenth:.1f} %, half at or below {middle:.1f} %, best "
        f"{high:.1f} %."
    )
    empty = len(accuracy) - len(known)
    if empty:
        words += f" {empty:,} without a clip are left out."
    heights, _ = np.histogram(known, bins=_BINS, range=(0, 1))
    bars = "".join(
        f'<rect class="bar" x="{index * 20 + 11}" width="18" '
        f'y="{116 - 100 * height / heights.max():.1f}" '
        f'height="{100 * height / heights.max():.1f}">'
        f"<title>{5 * index} to {5 * index + 5} %: {height:,} classes</title>"
        "</rect>"
        for index, height in enumerate(heights)
    )
    ticks = "".join(
        f'<text x="{10 + 4 * percent}" y="132" text-anchor="middle">'
        f"{percent} %</text>"
        for percent in range(0, 101, 20)
    )
    return (
        f'<p>{words}</p><figure class="chart"><figcaption><b>accuracy of the '
        f'classes</b> <span class="keys">tallest bar: {heights.max():,} '
        'classes</span></figcaption><svg viewBox="-10 0 450 150" role="img" '
        'aria-label="number of classes by accuracy">'
        f'{bars}<path class="axis" d="M10 116H410"/>{ticks}'
        '<text x="210" y="147" text-anchor="middle">accuracy</text>'
        "</svg></figure>"
    )


def _table_of_class_confusion(confusion, class_names, worst):
    rows = []
    for number, index in enumerate(worst, 1):
        answers = confusion[index].copy()
        right, total = int(answers[index]), int(answers.sum())
        answers[index] = 0
        order = np.argsort(-answers, kind="stable")[:NUM_ANSWERS]
        wrong = ", ".join(
            f"{escape(class_names[other])}&nbsp;({int(answers[other]):,})"
            for other in order
            if answers[other]
        )
        rows.append(
            f"<tr><td>{number}</td><td>{escape(class_names[index])}</td>"
            f"<td>{right:,}&nbsp;of&nbsp;{total:,}</td>"
            f"<td>{100 * right / total:.1f}&nbsp;%</td>"
            f"<td>{wrong or 'none'}</td></tr>"
        )
    return (
        '<div class="scroll"><table class="numbers"><thead><tr><th>#</th>'
        "<th>class</th><th>right</th><th>accuracy</th><th>most frequent wrong "
        f"answers (clips)</th></tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


MAX_CLIPS = 12
MAX_UNITS = 64
MAX_FRAMES = 600
MAX_DRAWN_UNITS = 8  # below the frames' images
_MAX_HEIGHT, _MAX_WIDTH = 48, 1600  # pixels of a frame and of all together
_SHOWN_LABELS = 8


def clip_sections(clips: Sequence[AttendedClip]) -> str:
    """Draws right clips and wrong ones, the first of each.

    Args:
        clips: The clips. Half of those drawn are right, half wrong, where
            there are as many.

    Returns:
        HTML with all pictures in it.
    """
    kinds = {
        "Right": [clip for clip in clips if clip.right],
        "Wrong": [clip for clip in clips if not clip.right],
    }
    half = MAX_CLIPS // 2
    parts, drawn = [_legend()], 0
    for title, group in kinds.items():
        other = len(clips) - len(group)
        shown = group[: max(half, MAX_CLIPS - other)]
        if shown:
            cards = "".join(
                _card(clip, number) for number, clip in enumerate(shown, drawn)
            )
            drawn += len(shown)
            left = len(group) - len(shown)
            more = f"<p>{left} more are not shown.</p>" if left else ""
            parts.append(f"<h3>{title}</h3>{cards}{more}")
    return "".join(parts)


def data_uri(pixels: np.ndarray, cmap: str, peak: float) -> str:
    """Turns numbers into a picture of one pixel each.

    Args:
        pixels: Numbers `(height, width)` from 0 to `peak`.
        cmap: The name of a colormap of matplotlib.
        peak: What the colormap's last colour stands for.

    Returns:
        A `data:` address of a PNG.
    """
    buffer = io.BytesIO()
    image.imsave(buffer, pixels, cmap=cmap, vmin=0, vmax=peak, format="png")
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/png;base64,{text}"


def _legend():
    colors = data_uri(np.arange(64)[None], "inferno", 63)
    return (
        '<p class="legend">Each map has a row for every attention unit and a '
        "column for every frame. Weight: nothing "
        f'<img alt="from black to yellow" src="{colors}"> the map’s largest.'
        "</p>"
    )


def _card(clip, number):
    labels = ", ".join(map(escape, clip.labels[:_SHOWN_LABELS])) or "no label"
    if len(clip.labels) > _SHOWN_LABELS:
        labels += f" and {len(clip.labels) - _SHOWN_LABELS} more"
    rows = "".join(
        f'<tr class="{"hit" if name in clip.labels else ""}"><td>'
        f"{'✓' if name in clip.labels else ''}</td><td>{escape(name)}</td>"
        f'<td>{100 * score:.1f}&nbsp;%</td><td><span class="share" '
        f'style="width:{100 * min(max(score, 0), 1):.1f}%"></span></td></tr>'
        for name, score in clip.predictions
    )
    maps = "".join(
        _map(
            name,
            np.asarray(weights, np.float32),
            clip.images.get(name),
            f"frames-{number}-{index}",
        )
        for index, (name, weights) in enumerate(clip.attention.items())
    )
    mark, kind = ("✓", "right") if clip.right else ("✗", "wrong")
    return (
        f'<article class="clip {kind}"><h4><span>{mark}</span> '
        f"{escape(clip.id)}</h4><p>is <b>{labels}</b>, taken for</p>"
        f'<table class="answers"><tbody>{rows}</tbody></table>'
        f'<div class="maps">{maps}</div></article>'
    )


def _map(name, weights, images, strip):
    title = f"<b>{escape(name)}</b>"
    peak = float(weights.max(initial=0))
    if not peak > 0:
        return f"<figure><figcaption>{title} is absent</figcaption></figure>"
    limit = MAX_UNITS if images is None else MAX_DRAWN_UNITS
    num_units, num_frames = weights.shape
    shown = weights[:limit, :MAX_FRAMES]
    units = f"{num_units} units"
    if len(shown) < num_units:
        units = f"{len(shown)} of {units}"
    frames = f"{num_frames} frames"
    if shown.shape[1] < num_frames:
        frames = f"the first {shown.shape[1]} of {frames}"
    words = f"{units} over {frames}, largest weight {peak:.2g}"
    peak = float(shown.max()) or 1.0
    if images is None:
        picture = _heat(shown, peak, words)
    else:
        picture = _strip(shown, peak, images[:MAX_FRAMES], words, strip)
    wide = "" if images is None else ' class="wide"'
    return (
        f'<figure{wide}><figcaption>{title} <span class="keys">{words}</span>'
        f'</figcaption>{picture}<div class="axis"><span>frame 1</span>'
        f"<span>{shown.shape[1]}</span></div></figure>"
    )


def _heat(weights, peak, words):
    height = min(max(5 * len(weights), 48), 320)
    return (
        f'<img class="heat" style="height:{height}px" alt="Attention of '
        f'{words}" src="{data_uri(weights, "inferno", peak)}">'
    )


def _strip(weights, peak, images, words, strip):
    """Draws the frames, and below them each unit's weights over them.

    As `save_attention_maps`, but the frames are stored once for all rows.
    """
    images = np.asarray(images)
    step = max(
        -(-images.shape[1] // _MAX_HEIGHT),
        -(-images.shape[2] * len(images) // _MAX_WIDTH),
    )
    images = images[:, ::step, ::step]
    height, width = images.shape[1], images.shape[2] * len(images)
    frames = data_uri(np.concatenate(list(images), axis=1), "gray", 255)
    below = "".join(
        f'<use href="#{strip}" y="{height * row}"/>'
        for row in range(1, len(weights) + 1)
    )
    lines = "".join(
        f"M0 {height * (row + 1)}h{width}" for row in range(len(weights))
    )
    return (
        f'<svg class="strip" viewBox="0 0 {width} '
        f'{height * (len(weights) + 1)}" role="img" aria-label="Attention of '
        f'{words}"><image id="{strip}" href="{frames}" width="{width}" '
        f'height="{height}"/>{below}<image class="pixels" opacity="0.8" '
        f'y="{height}" width="{width}" height="{height * len(weights)}" '
        'preserveAspectRatio="none" '
        f'href="{data_uri(weights, "inferno", peak)}"/>'
        f'<path class="lines" d="{lines}"/></svg>'
    )


_LOWER_IS_BETTER = ("loss", "error", "entropy", "perplexity")


def metric_values(epochs: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """Reads one metric from the epochs' rows.

    Args:
        epochs: One mapping an epoch, from metrics to numbers, or to text that
            is one.
        name: The metric.

    Returns:
        float64 `(num_epochs,)`, NaN where there is no finite number.
    """
    return np.array([_number(row.get(name)) for row in epochs], np.float64)


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


def _number(value):
    try:
        value = float(value)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


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


# Whatever a part holds, a browser fetches nothing and runs nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c1f24;--dim:#5c6570;
--line:#dde1e6;--card:#f6f7f9;--first:#1f6fc4;--second:#b8590a;--good:#1a7f4b;
--bad:#c03535}
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e6e9ed;
--dim:#9aa4af;--line:#333a42;--card:#1e2329;--first:#6cb2ff;--second:#f2a359;
--good:#52c98a;--bad:#ff7d7d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:16px;background:var(--paper);
color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.5em 0}
h2{font-size:1.25rem;margin:2em 0 .6em;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.4em 0 .5em}
h4{font-size:1rem;margin:0}
figure{margin:0}
figcaption{font-size:.9rem;margin-bottom:4px}
.chart .keys,.matrix .keys{display:block}
.keys,.axis,.legend{color:var(--dim);font-size:.85rem}
.tiles{display:grid;gap:10px;
grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}
.tiles div{background:var(--card);border-radius:8px;padding:10px 12px}
.tiles dt{color:var(--dim);font-size:.85rem}
.tiles dd{margin:0;font-size:1.35rem;font-weight:600}
.charts{display:grid;gap:20px;
grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr))}
.chart{max-width:540px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--dim);font:12px system-ui,sans-serif}
.grid,.axis{stroke:var(--line);fill:none}
.curve{fill:none;stroke-width:2;stroke-linejoin:round}
.curve{stroke:var(--first)}
.curve.training{stroke:var(--second);stroke-dasharray:5 3;stroke-width:1.5}
.dot{fill:var(--first)}
.dot.training{fill:var(--second)}
path.best{stroke:var(--dim);stroke-dasharray:2 3}
circle.best{fill:none;stroke:var(--ink);stroke-width:1.5}
.key::before{content:"";display:inline-block;width:18px;vertical-align:middle;
margin-right:5px;border-top:2.5px solid var(--first)}
.key.training::before{border-top:2.5px dashed var(--second)}
.bar{fill:var(--first)}
.matrix{margin-top:16px}
.matrix rect.right{fill:var(--good)}
.matrix rect.wrong{fill:var(--bad)}
.matrix text{font-size:11px}
.matrix text.count{fill:var(--ink)}
.matrix text.on{fill:var(--paper)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem}
th,td{text-align:left;padding:4px 12px 4px 0;vertical-align:top;
border-bottom:1px solid var(--line);overflow-wrap:break-word}
th{color:var(--dim);font-weight:500}
.numbers{width:100%}
.numbers td:nth-child(2),.numbers td:last-child{min-width:9em}
.settings td:first-child{color:var(--dim)}
.clip{background:var(--card);border-radius:8px;padding:12px;margin:10px 0;
border-left:4px solid var(--good)}
.clip.wrong{border-left-color:var(--bad)}
.clip h4 span{color:var(--good)}
.clip.wrong h4 span{color:var(--bad)}
.clip p{margin:2px 0 6px}
.answers{width:100%;max-width:560px;margin-bottom:8px}
.answers td{border:0;padding:1px 8px 1px 0}
.answers td:first-child{color:var(--good);width:1.2em}
.answers td:nth-child(3){text-align:right;width:4.5em}
.answers td:last-child{width:35%;vertical-align:middle}
.share{display:block;height:8px;border-radius:2px;background:var(--first);
min-width:1px}
.hit .share{background:var(--good)}
.maps{display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(min(220px,100%),1fr))}
.wide{grid-column:1/-1}
.heat{display:block;width:100%;image-rendering:pixelated}
.pixels{image-rendering:pixelated}
.lines{stroke:#fff;fill:none}
div.axis{display:flex;justify-content:space-between}
.legend img{width:90px;height:12px;vertical-align:middle;
image-rendering:pixelated}
@media screen and (max-width:600px){
.numbers tr{display:grid;grid-template-columns:2.5em 1fr auto auto;
border-bottom:1px solid var(--line)}
.numbers td,.numbers th{border:0}
.numbers td:last-child,.numbers th:last-child{grid-column:2/-1}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--dim:#444;
--line:#bbb;--card:#fff;--first:#1f6fc4;--second:#b8590a;--good:#1a7f4b;
--bad:#c03535}
body{max-width:none;font-size:11pt;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.chart,.clip,.matrix,tr,.tiles div{break-inside:avoid}
h2,h3{break-after:avoid}
.clip,.tiles div{border:1px solid var(--line)}}
"""


def page(title: str, sections: Mapping[str, str]) -> str:
    """Puts parts together into a page.

    Args:
        title: The page's title, plain text.
        sections: Mapping from headings, plain text, to HTML. Empty ones are
            left out.

    Returns:
        The whole page as HTML.
    """
    body = "".join(
        f"<section><h2>{escape(heading)}</h2>{content}</section>\n"
        for heading, content in sections.items()
        if content
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}</body></html>\n"
    )


def write_report(
    path: str | os.PathLike,
    *,
    title: str,
    result: Mapping[str, Any],
    settings: Mapping[str, Any],
    epochs: Sequence[Mapping[str, Any]],
    class_names: Sequence[str],
    confusion: np.ndarray | None = None,
    clips: Sequence[AttendedClip] = (),
) -> None:
    """Writes a run's report: one HTML file that opens without a network.

    Args:
        path: The file to write, whole or not at all.
        title: The page's title.
        result: Mapping from names to numbers or text. Numbers of a split,
            such as `test_accuracy`, come first and large.
        settings: Mapping from flags to their values.
        epochs: One mapping an epoch, from `epoch` (from 0 on) and metrics to
            numbers; `val_NAME` is drawn together with `NAME`.
        class_names: One name a class.
        confusion: Integers `(num_classes, num_classes)`, true class by
            predicted one; None where a clip has any number of labels.
        clips: Clips to draw the attention of.

    Raises:
        ValueError: If the confusion is not that of the classes.
    """
    sections = {
        "Result": _result(result),
        "Epochs": epoch_charts(epochs) if epochs else "",
        "Classes": (
            ""
            if confusion is None
            else confusion_section(confusion, class_names)
        ),
        "Attention": clip_sections(clips) if clips else "",
        "Settings": _table(
            (name, readable_setting(value)) for name, value in settings.items()
        ),
    }
    atomic_file.write_text(path, page(title, sections))


def _result(result):
    """Shows the numbers of splits as tiles, all else in a table."""
    texts = {
        name: readable_number(name, value) for name, value in result.items()
    }
    large = [
        name
        for name in result
        if name.startswith(("test_", "validation_", "val_"))
    ]
    tiles = "".join(
        f"<div><dt>{escape(readable_name(name))}</dt>"
        f"<dd>{escape(texts[name])}</dd></div>"
        for name in large
    )
    rest = _table(
        (readable_name(name), text)
        for name, text in texts.items()
        if name not in large
    )
    return (f'<dl class="tiles">{tiles}</dl>' if tiles else "") + rest


def _table(rows):
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f'<table class="settings">{cells}</table>' if cells else ""
