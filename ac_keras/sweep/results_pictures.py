"""The pictures of a sweep's page."""

import pathlib

from ac_keras.sweep.cell import FAMILIES
from ac_keras.sweep.cell_results import ProtocolResults
from ac_keras.sweep.cell_statistics import CellStatistics
from ac_keras.sweep.cell_statistics import Table
from ac_keras.sweep.cell_statistics import columns
from ac_keras.sweep.cell_statistics import tabulate_cells
from ac_keras.sweep.published_results import MINDSPORE
from ac_keras.sweep.published_results import PAPER
from ac_keras.sweep.results_table import TITLES
from ac_keras.visualization.cell_curves import save_cell_curves
from ac_keras.visualization.size_curves import SizeCurve
from ac_keras.visualization.size_curves import save_size_curves

ACCURACY = "Test accuracy against the number of units"  # its caption
PANELS = {"without shifting": "{}", "with shifting": "{}_shift"}


def draw_pictures(
    protocol: ProtocolResults, folder: pathlib.Path
) -> dict[str, str]:
    """Draws a protocol's pictures.

    Args:
        protocol: What came out.
        folder: Where to; it exists.

    Returns:
        Mapping from a picture's caption to its file's name.
    """
    table = tabulate_cells(protocol.cells)
    name = f"{protocol.name}_accuracy.png"
    curves = {
        TITLES[family]: _size_curve(table, family) for family in columns(table)
    }
    save_size_curves(curves, folder / name)
    names = {ACCURACY: name}
    for weighting in ("fc1", "fc2"):
        panels = _panels(table, weighting)
        if panels:
            name = f"{protocol.name}_{weighting}_curves.png"
            save_cell_curves(panels, folder / name)
            kind = TITLES[weighting]
            names[f"{kind}: validation accuracy over the epochs"] = name
    return names


def _panels(table: Table, weighting: str) -> dict[str, dict[int, list[float]]]:
    """Gives the curves of those of the two families that have a cell."""
    panels = {}
    for title, pattern in PANELS.items():
        cells = _of_family(table, pattern.format(weighting))
        if cells:
            panels[f"{TITLES[weighting]} {title}"] = {
                size: cell.curve("val_accuracy") for size, cell in cells.items()
            }
    return panels


def _size_curve(table: Table, family: str) -> SizeCurve:
    cells = _of_family(table, family)
    deviations = {
        size: cell.deviation("test_accuracy") for size, cell in cells.items()
    }
    return SizeCurve(
        {size: cell.mean("test_accuracy") for size, cell in cells.items()},
        f"C{list(FAMILIES).index(family)}",  # the same in all pictures
        {size: x for size, x in deviations.items() if x is not None},
        PAPER[family],
        {
            f"MindSpore, {device}": figures[family]
            for device, figures in MINDSPORE.items()
            if family in figures
        },
    )


def _of_family(table: Table, family: str) -> dict[int, CellStatistics]:
    return {
        num_units: cell
        for (name, num_units), cell in table.items()
        if name == family
    }
