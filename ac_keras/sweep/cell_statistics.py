"""Cells of several seeds, taken together."""

import dataclasses
import statistics
from collections.abc import Collection
from collections.abc import Sequence

from ac_keras.sweep.cell import FAMILIES
from ac_keras.sweep.cell_results import CellResult


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
