"""What cells cost against their matrix products, measured side by side."""

import pathlib
from collections.abc import Sequence

from ac_keras.sweep import result_checks
from ac_keras.sweep.cell import Cell
from ac_keras.sweep.results_table import family_table

KEYS = {
    "family": "text",
    "num_units": "whole number",
    "epoch_seconds": "number",
    "product_seconds": "number",
    "ratio": "number",
}
_TEXT = """\
Time of an epoch divided by the time of its matrix products alone, measured side
by side in one thread:
"""


def read_costs(path: pathlib.Path) -> list[dict]:
    """Reads what `benchmarks/table_1_cells.py` wrote.

    Returns:
        A mapping for each cell with its `family`, `num_units` and `ratio`.

    Raises:
        ValueError: If the file is something else, or has a cell twice.
    """
    rows = result_checks.read_rows(path, KEYS)
    places = set()
    for row in rows:
        try:
            cell = Cell(row["family"], row["num_units"])
        except ValueError as error:
            raise ValueError(f"{error} It is read from {path}.") from error
        if cell in places:
            raise ValueError(
                f"Expected every cell once. Received: {cell.family} "
                f"N={cell.num_units} again in {path}. Measure it anew with "
                "benchmarks/table_1_cells.py."
            )
        places.add(cell)
    return rows


def describe_costs(rows: Sequence[dict]) -> str:
    """Gives the ratios as a table with a sentence, in Markdown."""
    ratios = {
        (row["family"], row["num_units"]): f"{row['ratio']:.2f}" for row in rows
    }
    return f"{_TEXT}\n{family_table(ratios)}"
