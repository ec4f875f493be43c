"""What became of cells that were trained with other settings."""

import dataclasses
import json
from collections.abc import Sequence

from ac_keras.sweep.cell_extent import extent_text
from ac_keras.sweep.cell_results import ProtocolResults
from ac_keras.sweep.cell_statistics import Table
from ac_keras.sweep.cell_statistics import place_of
from ac_keras.sweep.cell_statistics import tabulate_cells
from ac_keras.sweep.protocols import choose_protocol
from ac_keras.sweep.results_table import DIGITS
from ac_keras.sweep.results_table import NONE
from ac_keras.sweep.results_table import cell_name
from ac_keras.sweep.results_table import figure_text
from ac_keras.sweep.results_table import markdown_table
from ac_keras.sweep.results_table import points_text
from ac_keras.sweep.setting_texts import setting_text
from ac_keras.sweep.setting_texts import values_text
from ac_keras.sweep.sweep_commands import FLAGS
from ac_keras.sweep.sweep_commands import command_block
from ac_keras.sweep.sweep_commands import sweep_commands
from ac_keras.sweep.table_caption import settings_of

FIGURE = "validation_accuracy"
_TEXT = """\
Validation accuracy in percent. Each study changes settings of the tuned
protocol and keeps the others; in parentheses: points above the tuned cell, each
the mean over all seeds that it was run with. All choices were made on the
validation split; a study's test accuracy chose nothing.
"""


def describe_studies(
    studies: Sequence[ProtocolResults], tuned: Table, sweep_name: str
) -> str:
    """Gives a section of a page, in Markdown.

    Args:
        studies: Cells that were trained with other settings, one study each.
        tuned: Cells of the tuned protocol; may be empty.
        sweep_name: The sweep's folder, without the path to it.

    Returns:
        A table, the commands, and what is not finished.
    """
    tables = {
        study.name: tabulate_cells(study.cells)
        for study in sorted(studies, key=lambda x: x.name)
    }
    commands = []
    for name, table in tables.items():
        commands += _commands(name, table, tuned, sweep_name)
    parts = [_TEXT, _table(tables, tuned)]
    if commands:
        parts += ["The commands:\n", command_block(commands)]
    unfinished = [
        f"`{'/'.join(path.parts[-4:])}`"
        for study in studies
        for path in study.unfinished
    ]
    if unfinished:
        parts.append(f"Not finished and left out: {', '.join(unfinished)}.\n")
    return "\n".join(parts)


def difference_text(table: Table, tuned: Table) -> str:
    """Says in which settings a study differs from the tuned protocol.

    Args:
        table: The study's cells.
        tuned: Those of the tuned protocol.
    """
    texts = []
    for name, pairs in _differences(table, tuned).items():
        values = {}
        for key, (value, _) in pairs.items():
            values.setdefault(json.dumps(value), []).append(key)
        for keys in values.values():
            if all(pairs[key][0] == pairs[key][1] for key in keys):
                continue
            text = setting_text(name, pairs[keys[0]][0])
            if len(values) > 1:
                text += f" for {extent_text(keys, table)}"
            usual = {json.dumps(pairs[key][1]): pairs[key][1] for key in keys}
            told = values_text(name, usual.values())
            texts.append(f"{text} (tuned: {told})")
    return ", ".join(texts) or "nothing"


def _table(tables, tuned):
    cells = {key: x for table in tables.values() for key, x in table.items()}
    keys = sorted(cells, key=place_of)
    rows = [["`tuned`", *(_figure(tuned, key) for key in keys)]] * bool(tuned)
    for name, table in tables.items():
        first = f"`{name}`: {difference_text(table, tuned)}"
        rows.append([first, *(_compared(table, tuned, key) for key in keys)])
    header = ["what differs", *(cell_name(cells[key]) for key in keys)]
    return markdown_table(header, rows, 1)


def _figure(table, key):
    return figure_text(table[key], FIGURE) if key in table else NONE


def _compared(table, tuned, key):
    text = _figure(table, key)
    if key not in table or key not in tuned:
        return text
    # Of rounded figures, so that it is the difference of what is shown.
    study, usual = (round(x[key].mean(FIGURE), DIGITS) for x in (table, tuned))
    return f"{text} ({points_text(study - usual)})"


def _differences(table, tuned):
    """Gives for each setting that differs somewhere its values in all cells.

    They are pairs: the study's and the tuned protocol's.
    """
    pairs = {}
    for key, cell in table.items():
        settings, usual = settings_of(cell), _tuned_settings(key, cell, tuned)
        for name in dict.fromkeys([*usual, *settings]):
            found = settings.get(name), usual.get(name)
            pairs.setdefault(name, {})[key] = found
    return {
        name: found
        for name, found in pairs.items()
        if any(value != usual for value, usual in found.values())
    }


def _tuned_settings(key, cell, tuned):
    if key in tuned:
        return settings_of(tuned[key])
    return dataclasses.asdict(choose_protocol("tuned", cell.results[0].cell))


def _commands(name, table, tuned, sweep_name):
    """Gives the commands of a study, for cells of the same flags each."""
    names = [x for x in FLAGS if x in _differences(table, tuned)]
    groups = {}
    for cell in table.values() if names else ():
        settings = settings_of(cell)
        flags = {x: settings[x] for x in names if settings.get(x) is not None}
        groups.setdefault(json.dumps(flags), (flags, []))[1].append(cell)
    return [
        command
        for flags, cells in groups.values()
        for command in sweep_commands(
            cells, sweep_name, {"study": name, **flags}
        )
    ]
