"""The tables of a sweep's page, in Markdown."""

from collections.abc import Iterable
from collections.abc import Mapping
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


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], num_words: int = 0
) -> str:
    """Lays out a table, its figures to the right.

    Args:
        header: A text for each column.
        rows: As many each.
        num_words: How many columns, from the left, hold words.
    """
    lines = ["---"] * num_words + ["---:"] * (len(header) - num_words)
    return "".join(
        f"| {' | '.join(cells)} |\n" for cells in [header, lines, *rows]
    )


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


def cost_table(table: Table) -> str:
    """Gives parameters, an epoch's time and the rate of matrix products."""
    return family_table({key: _cost(cell) for key, cell in table.items()})


def exact_table(table: Table, tuned: Table) -> str:
    """Gives a line for each cell, beside the paper's and the tuned figure.

    Args:
        table: Cells of the paper's protocol.
        tuned: Those of the tuned one; may be empty.
    """
    header = ["cell", "test", "the paper's test", "validation"]
    header += ["test, `tuned`", "validation, `tuned`"] if tuned else []
    rows = []
    for key, cell in table.items():
        sign = f" {BELOW}" if (difference(cell) or 0) < 0 else ""
        row = [
            cell_name(cell),
            figure_text(cell, "test_accuracy") + sign,
            _one_figure(paper_accuracy(*key)),
            figure_text(cell, "validation_accuracy"),
        ]
        if tuned:
            row += [
                figure_text(tuned[key], name) if key in tuned else NONE
                for name in ("test_accuracy", "validation_accuracy")
            ]
        rows.append(row)
    return markdown_table(header, rows, 1)


def family_table(texts: Mapping[tuple[str, int], str]) -> str:
    """Lays out texts by number of units and family."""
    families = cell_statistics.columns(texts)
    rows = [
        [str(count), *(texts.get((name, count), NONE) for name in families)]
        for count in cell_statistics.rows(texts)
    ]
    return markdown_table(["N", *(TITLES[x] for x in families)], rows)


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


def points_text(points: float) -> str:
    """Gives a difference with its sign, at the digits that are shown."""
    text = f"{points:+.{DIGITS}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{DIGITS}f}"


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


def _cost(cell):
    rate = cell.gigaflops()
    rate = NONE if rate is None else f"{rate:.1f}"
    parameters = cell.results[0].result["parameters"]
    return f"{parameters:,} · {cell.epoch_seconds():.2f} · {rate}"
