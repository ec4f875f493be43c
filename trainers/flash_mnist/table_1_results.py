"""What the cells of a sweep came to, read from its folder."""

import csv
import dataclasses
import io
import json
import math
import numbers
import pathlib
import statistics
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ac_keras.runs import folder as run_folder
from ac_keras.utils import atomic_file
from cells import FAMILIES
from cells import MINDSPORE
from cells import PROTOCOLS
from cells import Cell
from cells import mindspore_accuracy
from cells import paper_accuracy
from train_cell import CURVE
from train_cell import SITTINGS

# What a value is, by its key.
RESULT_KEYS = {
    "family": "text",
    "num_units": "whole number",
    "seed": "whole number",
    "protocol": "text",
    "settings": "mapping",
    "validation_accuracy": "share",
    "validation_top_5_accuracy": "share",
    "test_accuracy": "share",
    "test_top_5_accuracy": "share",
    "best_epoch": "whole number",
    "epochs": "whole number",
    "training_seconds": "number",
    "parameters": "whole number",
    "product_flops_per_epoch": "whole number",
    "tensorflow": "text",
    "keras": "text",
}
CURVE_KEYS = {
    "epoch": "whole number",
    "accuracy": "share",
    "val_accuracy": "share",
    "seconds": "number",
}
DATASET_KEYS = {"name": "text", "manifest_sha256": "text"}
SITTING_KEYS = {
    "seconds": "number",
    "cells": "whole number",
    "workers": "whole number",
}


DIGITS = 1  # that the paper gives


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return _is_number(value) and 0 <= value <= 1


def _is_number(value):
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value) and value >= 0


_CHECKS = {
    "list": lambda value: isinstance(value, list),
    "mapping": lambda value: isinstance(value, dict),
    "number": _is_number,
    "share": is_share,
    "text": lambda value: isinstance(value, str),
    "whole number": lambda x: _is_number(x) and isinstance(x, int),
}


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: If it is missing or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"Expected a JSON file. Received: {path}: {error}. If it is "
            "broken, remove its folder and make it again."
        ) from error


def read_mapping(path: pathlib.Path, keys: Mapping[str, str]) -> dict:
    """Reads a JSON file that holds a mapping with these keys, and others.

    Args:
        path: The file.
        keys: Mapping from each key to what its value is.

    Raises:
        ValueError: If the file is something else.
    """
    values = read_json(path)
    check_mapping(values, keys, path)
    return values


def read_rows(path: pathlib.Path, keys: Mapping[str, str]) -> list[dict]:
    """Reads a JSON file that holds a list of such mappings, one at least.

    Raises:
        ValueError: If the file is something else.
    """
    rows = read_json(path)
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            "Expected a JSON file with a list that is not empty. Received: "
            f"{path} with {str(rows)[:40]!r}. Make it again."
        )
    for index, row in enumerate(rows):
        check_mapping(row, keys, f"{path}, row {index}")
    return rows


def check_mapping(
    values: Any, keys: Mapping[str, str], place: pathlib.Path | str
) -> None:
    """Checks that a value is a mapping with these keys, and others.

    Args:
        values: Anything.
        keys: Mapping from each key to what its value is.
        place: Where it was read.

    Raises:
        ValueError: If it is something else.
    """
    if not isinstance(values, dict):
        raise ValueError(
            f"Expected a JSON mapping with {', '.join(keys)}. Received: "
            f"{place} with {str(values)[:40]!r}. Make the file again."
        )
    missing = [key for key in keys if key not in values]
    if missing:
        raise ValueError(
            f"Expected the keys {', '.join(keys)}. Received: {place} without "
            f"{', '.join(missing)}. Train the cell again, or make the "
            "file again, with this version of its program."
        )
    for key, kind in keys.items():
        if not _CHECKS[kind](values[key]):
            raise ValueError(
                f"Expected {key} to be a {kind}, 0 or more where it counts. "
                f"Received: {key}={values[key]!r} in {place}. Make the file "
                "again."
            )


CELL_FOLDERS = "*/units_*/seed_*"  # below a protocol's


@dataclasses.dataclass(frozen=True)
class CellResult:
    """A cell that was trained to its end.

    Attributes:
        cell: The cell.
        result: Its `result.json`; accuracies are shares from 0 to 1.
        curve: Its `curve.json`: one mapping an epoch.
        dataset: Its `dataset.json`.
    """

    cell: Cell
    result: dict[str, Any]
    curve: list[dict[str, float]]
    dataset: dict[str, str]


@dataclasses.dataclass(frozen=True)
class ProtocolResults:
    """All cells of one protocol.

    Attributes:
        name: The protocol's name.
        cells: The complete ones, by family, units and seed.
        unfinished: Folders of cells without a result.
        sittings: One mapping for each time that the sweep ran, with its
            `seconds`, `cells` and `workers`; may be empty.
    """

    name: str
    cells: tuple[CellResult, ...]
    unfinished: tuple[pathlib.Path, ...]
    sittings: tuple[dict[str, Any], ...] = ()


def read_sweep(
    root: pathlib.Path, protocols: Sequence[str] = ()
) -> list[ProtocolResults]:
    """Reads a sweep.

    Args:
        root: The folder that `trainers/flash_mnist/sweep.py` was given.
        protocols: Which of its protocols; none means all.

    Returns:
        The protocols that have a result, the tuned one first.

    Raises:
        ValueError: If there is no result, two are of the same cell or of
            different data, or a file is not what the sweep writes.
    """
    order = list(protocols) or _protocol_names(root)
    found = [_read_protocol(root / name) for name in order]
    results = [x for x in found if x.cells]
    missing = [x.name for x in found if not x.cells and x.name in protocols]
    if not results or missing:
        raise ValueError(
            f"Expected results PROTOCOL/{CELL_FOLDERS}/result.json in the "
            f"sweep's folder. Received: {root} with none"
            f"{' of ' + ', '.join(missing) if missing else ''}. Name the "
            "--output_dir of trainers/flash_mnist/sweep.py, after its first cell is done."
        )
    cells = [x for protocol in results for x in protocol.cells]
    datasets = {json.dumps(x.dataset, sort_keys=True) for x in cells}
    if len(datasets) > 1:
        raise ValueError(
            "Expected all cells to be of the same dataset. Received: "
            f"{' and '.join(sorted(datasets))} in {root}. Sweep each dataset "
            "into a folder of its own."
        )
    return results


def _protocol_names(root):
    """Lists the folders that have cells, the known protocols first."""
    names = sorted({x.parents[2].name for x in root.glob(f"*/{CELL_FOLDERS}")})
    known = [name for name in PROTOCOLS if name in names]
    return known + [name for name in names if name not in known]


def _read_protocol(folder):
    results, unfinished, places = [], [], {}
    for path in sorted(folder.glob(CELL_FOLDERS)):
        if not (path / run_folder.RESULT).is_file():
            unfinished.append(path)
            continue
        result = _read_cell(path, folder.name)
        other = places.setdefault(result.cell, path)
        if other != path:
            raise ValueError(
                f"Expected one result for each cell. Received: {result.cell} "
                f"in {other} and in {path}. Remove one of them."
            )
        results.append(result)
    sittings = folder / SITTINGS
    return ProtocolResults(
        folder.name,
        tuple(sorted(results, key=_order)),
        tuple(unfinished),
        tuple(read_rows(sittings, SITTING_KEYS) if sittings.is_file() else ()),
    )


def _order(result):
    cell = result.cell
    return list(FAMILIES).index(cell.family), cell.num_units, cell.seed


def _read_cell(folder, protocol):
    path = folder / run_folder.RESULT
    result = read_mapping(path, RESULT_KEYS)
    curve = read_rows(folder / CURVE, CURVE_KEYS)
    dataset = read_mapping(folder / run_folder.DATASET, DATASET_KEYS)
    if len(curve) != result["epochs"]:
        raise ValueError(
            f"Expected {path} to tell of as many epochs as curve.json beside "
            f"it. Received: epochs={result['epochs']} and {len(curve)}. "
            "Remove the cell's folder and train it again."
        )
    if result["protocol"] != protocol:
        raise ValueError(
            f"Expected {path} to be of the protocol that its folder names, "
            f"{protocol}. Received: protocol={result['protocol']!r}. Move it "
            "to a folder of that name."
        )
    try:
        cell = Cell(result["family"], result["num_units"], result["seed"])
    except ValueError as error:
        raise ValueError(f"{error} It is read from {path}.") from error
    return CellResult(cell, result, curve, dataset)


@dataclasses.dataclass(frozen=True)
class CellStatistics:
    """A family with a number of units, over its seeds.

    Attributes:
        family: A column of the table.
        num_units: A row of the table.
        results: One for each seed, in their order.
    """

    family: str
    num_units: int
    results: tuple[CellResult, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that it was trained with."""
        return tuple(x.cell.seed for x in self.results)

    def mean(self, figure: str) -> float:
        """Gives the mean of a figure such as `test_accuracy`, in percent."""
        return statistics.fmean(self._percent(figure))

    def deviation(self, figure: str) -> float | None:
        """Gives the sample standard deviation (n - 1) of a figure, in points.

        Returns:
            None if there is one seed.
        """
        values = self._percent(figure)
        return statistics.stdev(values) if len(values) > 1 else None

    def epoch_seconds(self) -> float:
        """Gives the median time of an epoch, over all epochs and seeds.

        The median, for a first epoch has the tracing in it and one that was
        killed on its way tells its last part only.
        """
        return statistics.median(
            row["seconds"] for x in self.results for row in x.curve
        )

    def gigaflops(self) -> float | None:
        """Gives the rate of matrix products, in 1e9 operations a second."""
        seconds = self.epoch_seconds()
        flops = self.results[0].result["product_flops_per_epoch"]
        return flops / seconds / 1e9 if seconds else None

    def curve(self, name: str) -> list[float]:
        """Gives a figure's mean over the seeds for each epoch, in percent.

        It ends where the first of the seeds ends.
        """
        runs = [[row[name] for row in x.curve] for x in self.results]
        length = min(map(len, runs))
        return [
            100 * statistics.fmean(run[epoch] for run in runs)
            for epoch in range(length)
        ]

    def _percent(self, figure):
        return [100 * x.result[figure] for x in self.results]


def difference(cell: CellStatistics) -> float | None:
    """Gives the points of test accuracy above the paper, at its digits.

    Returns:
        None if the paper has no such cell.
    """
    paper = paper_accuracy(cell.family, cell.num_units)
    if paper is None:
        return None
    # Rounded again: 0.3 - 0.2 is not 0.1.
    mean = round(cell.mean("test_accuracy"), DIGITS)
    return round(mean - paper, DIGITS)


Table = dict[tuple[str, int], CellStatistics]


def tabulate_cells(cells: Sequence[CellResult]) -> Table:
    """Groups cells that differ in their seed alone.

    Returns:
        Mapping from family and number of units, in the table's order.

    Raises:
        ValueError: If seeds of a cell were trained with different settings.
    """
    groups = {}
    for result in cells:
        key = result.cell.family, result.cell.num_units
        group = groups.setdefault(key, [])
        _check_settings(result, group)
        group.append(result)
    return {
        key: CellStatistics(
            *key, tuple(sorted(groups[key], key=lambda x: x.cell.seed))
        )
        for key in sorted(groups, key=place_of)
    }


def place_of(key: tuple[str, int]) -> tuple[int, int]:
    """Gives what family and number of units are sorted by."""
    family, num_units = key
    return list(FAMILIES).index(family), num_units


def columns(table: Collection[tuple[str, int]]) -> list[str]:
    """Lists the families that have a cell, in the paper's order."""
    return [name for name in FAMILIES if any(name == key[0] for key in table)]


def rows(table: Collection[tuple[str, int]]) -> list[int]:
    """Lists the numbers of units that have a cell, from few to many."""
    return sorted({num_units for _, num_units in table})


def _check_settings(result, others):
    settings = result.result["settings"]
    for other in others:
        if other.result["settings"] != settings:
            raise ValueError(
                "Expected all seeds of a cell to have the same settings. "
                f"Received: {result.cell} with {settings}, {other.cell} with "
                f"{other.result['settings']}. Keep each in a protocol's "
                "folder of its own."
            )


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
