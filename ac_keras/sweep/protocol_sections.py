"""What a sweep's page says of a protocol."""

from collections.abc import Mapping

from ac_keras.sweep import results_table
from ac_keras.sweep.cell_results import ProtocolResults
from ac_keras.sweep.cell_statistics import Table
from ac_keras.sweep.cell_statistics import tabulate_cells
from ac_keras.sweep.results_pictures import ACCURACY
from ac_keras.sweep.results_table import BELOW
from ac_keras.sweep.sweep_commands import command_block
from ac_keras.sweep.sweep_commands import sweep_commands
from ac_keras.sweep.table_caption import protocol_caption
from ac_keras.sweep.table_caption import seeds_caption
from ac_keras.training import duration

_LEGEND = f"""\
In parentheses: the paper. Bold: the best cell. {BELOW}: below the paper, with
figures rounded to one digit, as the paper's are.
"""
_EXACT_LEGEND = f"""\
{BELOW}: below the paper. `tuned`: the same cell in the table above.
"""


def describe_protocol(
    protocol: ProtocolResults, pictures: Mapping[str, str], sweep_name: str
) -> str:
    """Gives the section of a protocol that all cells are trained with.

    Args:
        protocol: What came out.
        pictures: Mapping from a picture's caption to its address.
        sweep_name: The sweep's folder, without the path to it.

    Returns:
        Markdown: the table and the picture first, then how they were made.
    """
    table = tabulate_cells(protocol.cells)
    parts = [
        "Its settings were chosen on the validation split. Test accuracy:\n",
        results_table.test_table(table),
        f"{seeds_caption(table)}\n{_LEGEND}",
        *_pictures(pictures, True),
        _below(table),
        *_training(protocol, table, sweep_name),
        *_pictures(pictures, False),
    ]
    return "\n".join(parts)


def describe_exact(
    protocol: ProtocolResults,
    tuned: Table,
    pictures: Mapping[str, str],
    sweep_name: str,
) -> str:
    """Gives the section of the paper's protocol, of the cells it was run for.

    Args:
        protocol: What came out.
        tuned: Cells of the tuned protocol, to stand beside; may be empty.
        pictures: Mapping from a picture's caption to its address.
        sweep_name: The sweep's folder, without the path to it.
    """
    table = tabulate_cells(protocol.cells)
    parts = [
        "In the words of the paper. The cells that it was run for:\n",
        results_table.exact_table(table, tuned),
        f"{seeds_caption(table)}\n{_EXACT_LEGEND}",
        *_training(protocol, table, sweep_name),
        *_pictures(pictures, True),
        *_pictures(pictures, False),
    ]
    return "\n".join(parts)


def _training(protocol, table, sweep_name):
    """Tells how the cells were trained."""
    commands = sweep_commands(
        table.values(), sweep_name, {"protocol": protocol.name}
    )
    parts = [
        "### How they were trained\n",
        protocol_caption(table),
        command_block(commands),
        _total(protocol),
    ]
    if protocol.unfinished:
        names = [f"`{'/'.join(x.parts[-3:])}`" for x in protocol.unfinished]
        parts.append(f"Not finished and left out: {', '.join(names)}.\n")
    return parts


def _pictures(pictures, of_accuracy):
    """Gives the picture of accuracy against N, or all others."""
    return [
        f"{caption}:\n\n![{caption}]({address})\n"
        for caption, address in pictures.items()
        if (caption == ACCURACY) == of_accuracy
    ]


def _below(table):
    names = [
        f"{results_table.cell_name(cell)} "
        f"(by {-results_table.difference(cell):.1f} points)"
        for cell in results_table.below_paper(table)
    ]
    if not names:
        return "No cell is below the paper.\n"
    return f"Below the paper: {'; '.join(names)}.\n"


def _total(protocol):
    seconds = sum(x.result["training_seconds"] for x in protocol.cells)
    text = f"Training, all cells together: {duration(seconds)} of their own"
    if protocol.sittings:
        seconds = sum(x["seconds"] for x in protocol.sittings)
        workers = sorted({x["workers"] for x in protocol.sittings})
        at_a_time = " or ".join(map(str, workers))
        text += f"; {duration(seconds)} by the clock, {at_a_time} at a time"
    return f"{text}.\n"
