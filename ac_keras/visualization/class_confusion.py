"""Which classes a model confuses, as parts of a page."""

from collections.abc import Sequence

import numpy as np

from ac_keras.visualization.confusion_matrix import draw_confusion
from ac_keras.visualization.readable_values import escape

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
        + _table(confusion, class_names, worst)
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
        '<div class="scroll"><table class="numbers"><thead><tr><th>#</th>'
        "<th>class</th><th>right</th><th>accuracy</th><th>most frequent wrong "
        f"answers (clips)</th></tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )
