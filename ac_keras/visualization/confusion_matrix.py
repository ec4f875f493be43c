"""The confusion of a few classes, as SVG that follows the page's colours."""

import itertools
from collections.abc import Sequence

import numpy as np

from ac_keras.visualization.readable_values import escape
from ac_keras.visualization.readable_values import shorten

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
