"""Results of a sweep: read from its folder, checked, averaged over seeds."""

import dataclasses
import json
import pathlib
import statistics
from collections.abc import Collection
from collections.abc import Sequence
from typing import Any

from ac_keras.runs import folder as run_folder
from cells import FAMILIES
from cells import PROTOCOLS
from cells import Cell
from cells import paper_accuracy
from checked_json import read_mapping
from checked_json import read_rows
from train_cell import CURVE
from train_cell import SITTINGS

DIGITS = 1  # behind the point, as in the paper's table
CELL_FOLDERS = "*/units_*/seed_*"  # below the folder of a protocol
# Keys of the JSON files and the kinds of their values, for `checked_json`.
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


@dataclasses.dataclass(frozen=True)
class CellResult:
    """Result of a cell whose training is complete.

    Attributes:
        cell: The cell.
        result: Content of `result.json`; accuracies are from 0 to 1.
        curve: Content of `curve.json`, one mapping per epoch.
        dataset: Content of `dataset.json`.
    """

    cell: Cell
    result: dict[str, Any]
    curve: list[dict[str, float]]
    dataset: dict[str, str]


@dataclasses.dataclass(frozen=True)
class ProtocolResults:
    """Results of all cells of one protocol.

    Attributes:
        name: Name of the protocol, or of the study.
        cells: Complete cells, by family, number of units and seed.
        unfinished: Folders of cells without a result.
        sittings: One mapping for each time that the sweep ran, with its
            `seconds`, `cells` and `workers`; may be empty.
    """

    name: str
    cells: tuple[CellResult, ...]
    unfinished: tuple[pathlib.Path, ...] = ()
    sittings: tuple[dict[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class CellStatistics:
    """Statistics of a family and number of units over its seeds.

    Attributes:
        family: Column of the table.
        num_units: Row of the table.
        results: One result per seed, in the order of the seeds.
    """

    family: str
    num_units: int
    results: tuple[CellResult, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the results."""
        return tuple(x.cell.seed for x in self.results)

    def mean(self, metric: str) -> float:
        """Returns the mean of a metric such as `test_accuracy`, in percent."""
        return statistics.fmean(self._percent(metric))

    def deviation(self, metric: str) -> float | None:
        """Returns the sample standard deviation (n - 1), in points.

        Returns:
            The deviation, None if there is one seed.
        """
        values = self._percent(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def epoch_seconds(self) -> float:
        """Returns the median time of an epoch over all epochs and seeds.

        The mean would include the tracing in a first epoch, and an epoch
        that was interrupted, of which only the last part is timed.
        """
        return statistics.median(
            row["seconds"] for x in self.results for row in x.curve
        )

    def gigaflops(self) -> float | None:
        """Returns the rate of matrix products, in 1e9 operations a second."""
        seconds = self.epoch_seconds()
        flops = self.results[0].result["product_flops_per_epoch"]
        return flops / seconds / 1e9 if seconds else None

    def curve(self, name: str) -> list[float]:
        """Returns the mean of a metric over the seeds by epoch, in percent.

        The curve is as long as the shortest of the seeds' curves.
        """
        runs = [[row[name] for row in x.curve] for x in self.results]
        length = min(map(len, runs))
        return [
            100 * statistics.fmean(run[epoch] for run in runs)
            for epoch in range(length)
        ]

    def points_above_paper(self) -> float | None:
        """Returns the difference to the paper, of accuracies as displayed.

        Returns:
            The difference in points, None if the paper has no such cell.
        """
        paper = paper_accuracy(self.family, self.num_units)
        if paper is None:
            return None
        # Rounded twice: 0.3 - 0.2 is not 0.1.
        mean = round(self.mean("test_accuracy"), DIGITS)
        return round(mean - paper, DIGITS)

    def _percent(self, metric):
        return [100 * x.result[metric] for x in self.results]


Table = dict[tuple[str, int], CellStatistics]  # by family, number of units


def read_sweep(
    root: pathlib.Path, protocols: Sequence[str] = ()
) -> list[ProtocolResults]:
    """Reads the output folder of `trainers/flash_mnist/sweep.py`.

    Args:
        root: The folder.
        protocols: Names of protocols and studies to read, all by default.

    Returns:
        The protocols that have a result, the tuned one first.

    Raises:
        ValueError: If there is no result, two results belong to the same cell
            or to different datasets, or a file is invalid.
    """
    order = list(protocols) or _protocol_names(root)
    found = [_read_protocol(root / name) for name in order]
    results = [x for x in found if x.cells]
    missing = [x.name for x in found if not x.cells and x.name in protocols]
    if not results or missing:
        raise ValueError(
            f"Expected results PROTOCOL/{CELL_FOLDERS}/result.json in the "
            f"folder of a sweep. Received: {root} with none"
            f"{' of ' + ', '.join(missing) if missing else ''}. Pass the "
            "--output_dir of trainers/flash_mnist/sweep.py, after its first "
            "cell is complete."
        )
    cells = [x for protocol in results for x in protocol.cells]
    datasets = {json.dumps(x.dataset, sort_keys=True) for x in cells}
    if len(datasets) > 1:
        raise ValueError(
            "Expected all cells to be trained on the same dataset. Received: "
            f"{' and '.join(sorted(datasets))} in {root}. Sweep each dataset "
            "into its own folder."
        )
    return results


def read_cells_file(path: pathlib.Path) -> list[ProtocolResults]:
    """Reads a `cells.json`, which has the results without the curves.

    Raises:
        ValueError: If the file is invalid.
    """
    protocols = {}
    for result in read_rows(path, RESULT_KEYS):
        cell = CellResult(_make_cell(result, path), result, [], {})
        protocols.setdefault(result["protocol"], []).append(cell)
    return [ProtocolResults(name, tuple(x)) for name, x in protocols.items()]


def tabulate_cells(cells: Sequence[CellResult]) -> Table:
    """Groups cells that differ only in their seed.

    Returns:
        Mapping from family and number of units, in the order of the table.

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
        for key in sorted(groups, key=table_order)
    }


def table_order(key: tuple[str, int]) -> tuple[int, int]:
    """Returns the sort key of a family and number of units."""
    family, num_units = key
    return list(FAMILIES).index(family), num_units


def columns(table: Collection[tuple[str, int]]) -> list[str]:
    """Lists the families that have a cell, in the paper's order."""
    return [name for name in FAMILIES if any(name == key[0] for key in table)]


def rows(table: Collection[tuple[str, int]]) -> list[int]:
    """Lists the numbers of units that have a cell, in increasing order."""
    return sorted({num_units for _, num_units in table})


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
        tuple(sorted(results, key=_cell_order)),
        tuple(unfinished),
        tuple(read_rows(sittings, SITTING_KEYS) if sittings.is_file() else ()),
    )


def _cell_order(result):
    cell = result.cell
    return *table_order((cell.family, cell.num_units)), cell.seed


def _read_cell(folder, protocol):
    path = folder / run_folder.RESULT
    result = read_mapping(path, RESULT_KEYS)
    curve = read_rows(folder / CURVE, CURVE_KEYS)
    dataset = read_mapping(folder / run_folder.DATASET, DATASET_KEYS)
    if len(curve) != result["epochs"]:
        raise ValueError(
            f"Expected {path} to have the number of epochs of the curve.json "
            f"beside it. Received: epochs={result['epochs']} and {len(curve)}. "
            "Remove the folder and train the cell again."
        )
    if result["protocol"] != protocol:
        raise ValueError(
            f"Expected {path} to be of the protocol in the name of its "
            f"folder, {protocol}. Received: protocol={result['protocol']!r}. "
            "Move it to the folder of that name."
        )
    return CellResult(_make_cell(result, path), result, curve, dataset)


def _make_cell(result, path):
    try:
        return Cell(result["family"], result["num_units"], result["seed"])
    except ValueError as error:
        raise ValueError(f"{error} It is read from {path}.") from error


def _check_settings(result, others):
    settings = result.result["settings"]
    for other in others:
        if other.result["settings"] != settings:
            raise ValueError(
                "Expected all seeds of a cell to have the same settings. "
                f"Received: {result.cell} with {settings}, {other.cell} with "
                f"{other.result['settings']}. Keep each in its own protocol "
                "folder."
            )
