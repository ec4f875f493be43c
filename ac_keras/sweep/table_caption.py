"""What a table of a sweep must say of how its cells were trained."""

import dataclasses
import json
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

from ac_keras.sweep import cell_statistics
from ac_keras.sweep.cell_statistics import CellStatistics
from ac_keras.sweep.cell_statistics import Table
from ac_keras.sweep.protocols import PAPER
from ac_keras.sweep.results_table import TITLES

# What the paper leaves open.
OPEN = ("batch_size", "alpha_initializer", "beta_initializer")
NAMED = {
    name: value
    for name, value in dataclasses.asdict(PAPER).items()
    if name not in OPEN
}


def protocol_caption(table: Table) -> str:
    """Tells in Markdown where the training differs from the paper's.

    Cells of the same settings share a line.
    """
    groups = {}
    for cell in table.values():
        settings = cell.results[0].result["settings"]
        key = json.dumps(settings, sort_keys=True)
        groups.setdefault(key, (settings, []))[1].append(cell)
    lines = [
        f"- {_extent(cells, table)}: {_differences(settings)}. "
        f"Left open by the paper: {_list(_open_settings(settings))}."
        for settings, cells in groups.values()
    ]
    intro = f"The paper's protocol is Adam with {_list(NAMED.items())}."
    heading = "What differs here, by number of units N:"
    return f"{intro} {heading}\n\n" + "\n".join(lines) + "\n"


def seeds_caption(table: Table) -> str:
    """Tells the seeds, and the cells that have others than most."""
    counts = {}
    for cell in table.values():
        counts.setdefault(cell.seeds, []).append(cell)
    seeds, _ = max(counts.items(), key=lambda item: len(item[1]))
    text = f"Seeds of a cell: {_counted(seeds)}"
    others = [
        f"{_extent(cells, table)}: {_counted(key)}"
        for key, cells in counts.items()
        if key != seeds
    ]
    return f"{text}; but {'; '.join(others)}." if others else f"{text}."


def _differences(settings):
    """Names the settings that are not the paper's."""
    texts = []
    for name, paper in NAMED.items():
        value = settings.get(name)
        if value != paper:
            texts.append(f"{_words(name, value)} (paper: {_value(paper)})")
    texts += [
        f"{_words(name, value)} (paper: none)"
        for name, value in settings.items()
        if name not in NAMED and name not in OPEN
    ]
    return ", ".join(texts) or "nothing"


def _open_settings(settings):
    return [(name, settings[name]) for name in OPEN if name in settings]


def _extent(cells: Sequence[CellStatistics], table: Table) -> str:
    """Says which cells these are, as shortly as possible."""
    units = {}
    for cell in cells:
        units.setdefault(cell.family, []).append(cell.num_units)
    everywhere = {x.num_units for x in cells}
    if {key for key in table if key[1] in everywhere} == {
        (x.family, x.num_units) for x in cells
    }:
        if everywhere == set(cell_statistics.rows(table)):
            return "All cells"
        return f"N = {_numbers(sorted(everywhere))}"
    return "; ".join(
        f"{TITLES[family]}, N = {_numbers(found)}"
        for family, found in units.items()
    )


def _list(items: Iterable[tuple[str, Any]]) -> str:
    return ", ".join(_words(name, value) for name, value in items) or "nothing"


def _words(name, value):
    text = name.replace("_", " ")
    if name.endswith("epochs"):
        return f"{_value(value)} {text}"
    return f"{text} {_value(value)}"


def _value(value):
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`" if isinstance(value, str) else str(value)


def _counted(seeds):
    return f"{len(seeds)} ({_numbers(seeds)})"


def _numbers(values):
    return ", ".join(map(str, values))
