"""Which classes a model confuses, as parts of a page."""

from collections.abc import Sequence

import numpy as np

from ac_keras.visualization.readable_values import escape
from ac_keras.visualization.readable_values import shorten

NUM_WORST = 15
NUM_ANSWERS = 3
_BINS = 20
_CELL, _NAMES = 22, 130  # of the matrix: a cell, and the room for names


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
    parts = [_spread(class_accuracy(confusion))]
    if not confusion.any():
        return "<p>No clip was counted.</p>"
    if not len(worst):
        return parts[0] + "<p>No class has a wrong answer.</p>"
    parts.append(_table(confusion, class_names, worst))
    parts.append(_matrix(confusion, class_names, worst))
    return "".join(parts)


def _spread(accuracy):
    """Draws how many classes have which accuracy, and says it in words."""
    known = accuracy[np.isfinite(accuracy)]
    if not len(known):
        return ""
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
        'classes</span></figcaption><svg viewBox="-8 0 436 150" role="img" '
        'aria-label="number of classes by accuracy">'
        f'{bars}<path class="axis" d="M10 116H410"/>{ticks}'
        '<text x="210" y="147" text-anchor="middle">accuracy</text>'
        "</svg></figure>"
    )


def _table(confusion, class_names, worst):
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
        f"<h3>The {len(worst)} worst classes</h3>"
        '<div class="scroll"><table class="numbers"><thead><tr><th>#</th>'
        "<th>class</th><th>right</th><th>accuracy</th><th>most frequent wrong "
        f"answers (clips)</th></tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


def _matrix(confusion, class_names, worst):
    """Draws the worst classes by each other and by all others together."""
    among = confusion[np.ix_(worst, worst)]
    others = confusion[worst].sum(axis=1, keepdims=True) - among.sum(
        axis=1, keepdims=True
    )
    cells = np.concatenate([among, others], axis=1)
    if len(worst) == len(confusion):
        cells = among
    heads = [str(number) for number in range(1, len(worst) + 1)] + ["others"]
    width = _NAMES + _CELL * cells.shape[1] + 24
    height = _CELL * (len(worst) + 1) + 2
    parts = [
        f'<text x="{_NAMES + _CELL * (column + 0.5)}" y="15" '
        f'text-anchor="middle">{heads[column]}</text>'
        for column in range(cells.shape[1])
    ]
    for row, index in enumerate(worst):
        y = _CELL * (row + 1)
        name = escape(shorten(str(class_names[index]), 17))
        parts.append(
            f'<text x="{_NAMES - 5}" y="{y + 15}" text-anchor="end">{name} '
            f"{row + 1}</text>"
        )
        parts += [
            _cell(row, column, count, count / cells[row].sum())
            for column, count in enumerate(cells[row])
        ]
    return (
        '<figure class="matrix"><figcaption><b>confusion of these classes</b> '
        '<span class="keys">a row for each true class, a column for each '
        "predicted one; the fuller the colour, the larger the share of the "
        f'row</span></figcaption><svg viewBox="0 0 {width} {height}" '
        f'style="max-width:{1.5 * width:.0f}px" role="img" aria-label="'
        f'confusion of the worst classes">{"".join(parts)}</svg></figure>'
    )


def _cell(row, column, count, share):
    x, y = _NAMES + _CELL * column, _CELL * (row + 1)
    kind = "right" if row == column else "wrong"
    text = f"{count:,}" if count < 1000 else f"{count / 1000:.0f}k"
    number = (
        f'<text class="{"on" if share > 0.55 else ""}" '
        f'x="{x + _CELL / 2:.0f}" y="{y + 14}" text-anchor="middle">{text}'
        "</text>"
    )
    return (
        f'<rect class="{kind}" x="{x + 0.5}" y="{y + 0.5}" '
        f'width="{_CELL - 1}" height="{_CELL - 1}" '
        f'fill-opacity="{0.06 + 0.94 * share:.2f}"/>'
        f"{number if count else ''}"
    )
