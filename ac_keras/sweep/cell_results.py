"""What the cells of a sweep came to, read from its folder."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from ac_keras.runs import folder as run_folder
from ac_keras.sweep import result_checks
from ac_keras.sweep.cell import FAMILIES
from ac_keras.sweep.cell import Cell
from ac_keras.sweep.cell_log import CURVE
from ac_keras.sweep.cell_log import SITTINGS
from ac_keras.sweep.protocols import PROTOCOLS

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
        root: The folder that `trainers/sweep.py` was given.
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
            "--output_dir of trainers/sweep.py, after its first cell is done."
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
        tuple(
            result_checks.read_rows(sittings, result_checks.SITTING_KEYS)
            if sittings.is_file()
            else ()
        ),
    )


def _order(result):
    cell = result.cell
    return list(FAMILIES).index(cell.family), cell.num_units, cell.seed


def _read_cell(folder, protocol):
    path = folder / run_folder.RESULT
    result = result_checks.read_mapping(path, result_checks.RESULT_KEYS)
    curve = result_checks.read_rows(folder / CURVE, result_checks.CURVE_KEYS)
    dataset = result_checks.read_mapping(
        folder / run_folder.DATASET, result_checks.DATASET_KEYS
    )
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
