"""What a table of a sweep must say of how its cells were trained."""

import dataclasses
import json
import textwrap

from ac_keras.sweep.cell import FAMILIES
from ac_keras.sweep.cell_extent import extent_text
from ac_keras.sweep.cell_statistics import Table
from ac_keras.sweep.protocols import PAPER
from ac_keras.sweep.setting_texts import MANY
from ac_keras.sweep.setting_texts import numbers_text
from ac_keras.sweep.setting_texts import setting_text
from ac_keras.sweep.setting_texts import settings_text
from ac_keras.sweep.setting_texts import value_text
from ac_keras.sweep.setting_texts import values_by_size_text

# What the paper leaves open.
OPEN = ("batch_size", "alpha_initializer", "beta_initializer")
NAMED = {
    name: value
    for name, value in dataclasses.asdict(PAPER).items()
    if name not in OPEN
}
_RATE = """\
A shifted global feature has norm 1, so that the classifier wants weights far
above those that Adam reaches at the units' rate; it has a rate of its own
therefore. A large cluster overfits at a high one.
"""


def protocol_caption(table: Table) -> str:
    """Tells in Markdown where the training differs from the paper's.

    Settings that hold for the same cells share a line.
    """
    different = _by_extent(table, _differences(table))
    left_open = [
        line.removeprefix("All cells: ")
        for line in _by_extent(table, _left_open(table))
    ]
    lines = "".join(f"- {line}.\n" for line in [*different, *left_open])
    if not different:
        return f"Nothing differs from the paper's protocol:\n\n{lines}"
    intro = textwrap.fill(
        f"The paper's protocol is Adam with {settings_text(NAMED.items())}. "
        "What differs here, by number of units N:",
        80,
        break_on_hyphens=False,
    )
    rates = {settings_of(x).get("classifier_rate", 1) for x in table.values()}
    reason = "" if rates == {1} else f"\n{_RATE}"
    return f"{intro}\n\n{lines}{reason}"


def seeds_caption(table: Table) -> str:
    """Tells the seeds, and the cells that have others than most."""
    counts = {}
    for key, cell in table.items():
        counts.setdefault(cell.seeds, []).append(key)
    seeds, _ = max(counts.items(), key=lambda item: len(item[1]))
    text = f"Seeds of a cell: {_counted(seeds)}"
    others = [
        f"{extent_text(keys, table)}: {_counted(key)}"
        for key, keys in counts.items()
        if key != seeds
    ]
    return f"{text}; but {'; '.join(others)}." if others else f"{text}."


def settings_of(cell) -> dict:
    """Gives the settings that all seeds of a cell have."""
    return cell.results[0].result["settings"]


def _by_extent(table, found):
    """Gives a line for each set of cells, that of all cells first."""
    extents = {}
    for keys, text in found:
        extents.setdefault(keys, []).append(text)
    order = sorted(extents, key=lambda keys: len(keys) < len(table))
    return [
        f"{_capital(extent_text(keys, table))}: {', '.join(extents[keys])}"
        for keys in order
    ]


def _differences(table):
    """Gives the cells of every value that is not the paper's, and words."""
    found = []
    names = dict.fromkeys(
        name for cell in table.values() for name in settings_of(cell)
    )
    for name in dict.fromkeys([*NAMED, *names]):
        paper = NAMED.get(name)
        told = f"(paper: {value_text(name, paper)})"
        groups = [
            (value, cells)
            for value, cells in _values(table, name)
            if name not in OPEN and value is not None and value != paper
        ]
        by_size, groups = _split_by_size(groups)
        for cells, values in by_size:
            text = values_by_size_text(name, values)
            found.append((cells, f"{text} {told}"))
        for value, cells in groups:
            found.append((cells, f"{setting_text(name, value)} {told}"))
    return found


def _split_by_size(groups):
    """Takes out what would be a line for almost every number of units.

    Args:
        groups: A setting's values, each with its cells.

    Returns:
        Pairs of cells and of their values, a mapping by N, for shifted cells
        and others where there are many values; and the rest of the groups.
    """
    found, rest = [], list(groups)
    for shift in (False, True):
        side = [
            (value, cells)
            for value, cells in rest
            if all(FAMILIES[family][1] == shift for family, _ in cells)
        ]
        values = {n: value for value, cells in side for _, n in cells}
        if len(values) == len(side) > MANY and _are_numbers(values.values()):
            keys = tuple(key for _, cells in side for key in cells)
            found.append((keys, dict(sorted(values.items()))))
            rest = [group for group in rest if group not in side]
    return found, rest


def _are_numbers(values):
    return all(isinstance(x, (int, float)) for x in values)


def _left_open(table):
    groups = {}
    for key, cell in table.items():
        settings = settings_of(cell)
        open_ones = [(x, settings[x]) for x in OPEN if x in settings]
        groups.setdefault(settings_text(open_ones), []).append(key)
    return [
        (tuple(keys), f"Left open by the paper: {text}")
        for text, keys in groups.items()
    ]


def _values(table, name):
    """Lists a setting's values by N, each with the cells that have it."""
    cells = {}
    for key, cell in table.items():
        value = settings_of(cell).get(name)
        cells.setdefault(json.dumps(value), (value, []))[1].append(key)
    groups = [(value, tuple(keys)) for value, keys in cells.values()]
    return sorted(groups, key=lambda group: min(n for _, n in group[1]))


def _capital(text):
    return text[0].upper() + text[1:]


def _counted(seeds):
    return f"{len(seeds)} ({numbers_text(seeds)})"
