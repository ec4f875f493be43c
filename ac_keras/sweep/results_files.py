"""A sweep's figures as CSV and JSON files."""

import csv
import io
import json
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence

from ac_keras.sweep.cell_results import ProtocolResults
from ac_keras.sweep.cell_statistics import tabulate_cells
from ac_keras.sweep.published_results import MINDSPORE
from ac_keras.sweep.published_results import mindspore_accuracy
from ac_keras.sweep.published_results import paper_accuracy
from ac_keras.sweep.results_table import difference
from ac_keras.utils import atomic_file

CELL = ("protocol", "family", "num_units", "seed")
FIGURES = (  # shares are from 0 to 1, as in result.json
    "validation_accuracy",
    "validation_top_5_accuracy",
    "test_accuracy",
    "test_top_5_accuracy",
    "best_epoch",
    "epochs",
    "training_seconds",
    "parameters",
    "product_flops_per_epoch",
)
DECIMALS = 6


def write_files(
    protocols: Sequence[ProtocolResults], folder: pathlib.Path
) -> None:
    """Writes table.csv, cells.csv, curves.csv and cells.json.

    Args:
        protocols: What came out.
        folder: Where to; it exists. Each file appears whole.
    """
    files = {
        "table.csv": _csv(_table_rows(protocols)),
        "cells.csv": _csv(_cell_rows(protocols)),
        "curves.csv": _csv(_curve_rows(protocols)),
        "cells.json": _json(protocols),
    }
    for name, text in files.items():
        atomic_file.write_text(folder / name, text)


def _table_rows(protocols):
    devices = [f"mindspore_{device.lower()}_percent" for device in MINDSPORE]
    yield [
        *CELL[:3],
        "seeds",
        *("test_percent", "test_deviation"),
        *("validation_percent", "validation_deviation"),
        "test_top_5_percent",
        *("paper_percent", "points_above_paper"),
        *devices,
    ]
    for protocol in protocols:
        for key, cell in tabulate_cells(protocol.cells).items():
            yield [
                protocol.name,
                *key,
                len(cell.seeds),
                cell.mean("test_accuracy"),
                cell.deviation("test_accuracy"),
                cell.mean("validation_accuracy"),
                cell.deviation("validation_accuracy"),
                cell.mean("test_top_5_accuracy"),
                *(paper_accuracy(*key), difference(cell)),
                *(mindspore_accuracy(device, *key) for device in MINDSPORE),
            ]


def _cell_rows(protocols):
    yield [*CELL, *FIGURES]
    for name, x in _cells(protocols):
        cell, result = x.cell, x.result
        figures = [result[figure] for figure in FIGURES]
        yield [name, cell.family, cell.num_units, cell.seed, *figures]


def _curve_rows(protocols):
    yield [*CELL, "epoch", "accuracy", "val_accuracy"]
    for name, x in _cells(protocols):
        place = [name, x.cell.family, x.cell.num_units, x.cell.seed]
        for row in x.curve:
            yield [
                *place,
                row["epoch"],
                row["accuracy"],
                row["val_accuracy"],
            ]


def _cells(protocols):
    return [(x.name, cell) for x in protocols for cell in x.cells]


def _csv(rows: Iterable[Sequence]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(
            round(x, DECIMALS) if isinstance(x, float) else x for x in row
        )
    return text.getvalue()


def _json(protocols):
    results = [cell.result for _, cell in _cells(protocols)]
    lines = ",\n".join(json.dumps(x, sort_keys=True) for x in results)
    return f"[\n{lines}\n]\n"
