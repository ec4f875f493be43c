"""The tables of a sweep's page, in Markdown."""

from collections.abc import Iterable
from collections.abc import Sequence

from ac_keras.sweep import cell_statistics
from ac_keras.sweep.cell_statistics import CellStatistics
from ac_keras.sweep.cell_statistics import Table
from ac_keras.sweep.published_results import MINDSPORE
from ac_keras.sweep.published_results import mindspore_accuracy
from ac_keras.sweep.published_results import paper_accuracy

TITLES = {
    "average": "Average",
    "fc1": "FC1",
    "fc2": "FC2",
    "fc1_shift": "FC1 + shift",
    "fc2_shift": "FC2 + shift",
}
NONE = "–"
BELOW = "▼"  # behind a figure that is below the paper's
DIGITS = 1  # that the paper gives


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lays out a table, its figures to the right."""
    lines = [header, ["---:"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def test_table(table: Table) -> str:
    """Gives the test accuracies beside the paper's and MindSpore's.

    The highest is bold; one that is below the paper's has a sign.
    """
    families = cell_statistics.columns(table)
    peers = [x for x in families if any(x in y for y in MINDSPORE.values())]
    best = max(x.mean("test_accuracy") for x in table.values())
    rows = []
    for num_units in cell_statistics.rows(table):
        row = [str(num_units)]
        for family in families:
            row.append(_test_cell(table, family, num_units, best))
        for family in peers:
            figures = [
                _one_figure(mindspore_accuracy(device, family, num_units))
                for device in MINDSPORE
            ]
            row.append(" / ".join(figures))
        rows.append(row)
    header = ["N", *(TITLES[x] for x in families)]
    header += [
        f"MindSpore {TITLES[x]} ({' / '.join(MINDSPORE)})" for x in peers
    ]
    return markdown_table(header, rows)


def validation_table(table: Table) -> str:
    """Gives the validation accuracies."""
    return _by_family(table, lambda x: figure_text(x, "validation_accuracy"))


def top_5_table(table: Table) -> str:
    """Gives the test split's top 5 accuracies."""
    return _by_family(table, lambda x: figure_text(x, "test_top_5_accuracy"))


def difference_table(table: Table) -> str:
    """Gives by how many points the test accuracies exceed the paper's."""
    return _by_family(table, _difference_text)


def cost_table(table: Table) -> str:
    """Gives parameters, an epoch's time and the rate of matrix products."""

    def text(x):
        rate = x.gigaflops()
        rate = NONE if rate is None else f"{rate:.1f}"
        parameters = x.results[0].result["parameters"]
        return f"{parameters:,} · {x.epoch_seconds():.2f} · {rate}"

    return _by_family(table, text)


def below_paper(table: Table) -> list[CellStatistics]:
    """Lists the cells below the paper, at the digits that it gives."""
    return [x for x in table.values() if (difference(x) or 0) < 0]


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


def figure_text(cell: CellStatistics, figure: str) -> str:
    """Gives a figure's mean in percent, and its deviation if there is one."""
    deviation = cell.deviation(figure)
    spread = "" if deviation is None else f" ± {deviation:.{DIGITS}f}"
    return f"{cell.mean(figure):.{DIGITS}f}{spread}"


def cell_name(cell: CellStatistics) -> str:
    """Names a cell as the page's text does."""
    return f"{TITLES[cell.family]}, N = {cell.num_units}"


def _test_cell(table, family, num_units, best):
    paper = _one_figure(paper_accuracy(family, num_units))
    cell = table.get((family, num_units))
    if cell is None:
        return f"{NONE} ({paper})"
    text = figure_text(cell, "test_accuracy")
    if cell.mean("test_accuracy") == best:
        text = f"**{text}**"
    sign = f" {BELOW}" if (difference(cell) or 0) < 0 else ""
    return f"{text} ({paper}){sign}"


def _one_figure(value):
    return NONE if value is None else f"{value:.{DIGITS}f}"


def _difference_text(cell):
    value = difference(cell)
    if value is None:
        return NONE
    return f"{value:+.{DIGITS}f}".replace("-", "−") if value else "0.0"


def _by_family(table, text):
    families = cell_statistics.columns(table)
    rows = [
        [
            str(num_units),
            *(
                text(table[family, num_units])
                if (family, num_units) in table
                else NONE
                for family in families
            ),
        ]
        for num_units in cell_statistics.rows(table)
    ]
    return markdown_table(["N", *(TITLES[x] for x in families)], rows)
