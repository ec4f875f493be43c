"""Markdown tables of the page of results."""

import pathlib
import statistics
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import table_1_results
from cells import MINDSPORE_ACCURACIES
from cells import TITLES
from cells import Cell
from cells import mindspore_accuracy
from cells import paper_accuracy
from checked_json import check_mapping
from checked_json import is_share
from checked_json import read_mapping
from checked_json import read_rows
from digit_attention import KINDS
from table_1_results import DIGITS
from table_1_results import CellStatistics
from table_1_results import Table

NONE = "–"
BELOW = "▼"  # behind an accuracy that is below the paper's
FRAME_UNION_METHODS = {
    "hard": "the frame's most probable class",
    "threshold_by_digit": "a threshold for each digit, chosen by itself",
    "threshold_by_set": "thresholds chosen for whole sets of digits",
}
POSITION_BIAS_METRICS = (
    "validation_accuracy",
    "test_accuracy",
    "permuted_test_accuracy",
)


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], num_words: int = 0
) -> str:
    """Formats a table with numbers aligned to the right.

    Args:
        header: Title of each column.
        rows: Cells of each row.
        num_words: Number of columns, from the left, that hold text.
    """
    lines = ["---"] * num_words + ["---:"] * (len(header) - num_words)
    return "".join(
        f"| {' | '.join(cells)} |\n" for cells in [header, lines, *rows]
    )


def accuracy_table(table: Table) -> str:
    """Formats test accuracies with those of the paper and of MindSpore.

    The highest is bold, and those below the paper's are marked.
    """
    families = table_1_results.columns(table)
    peers = [
        family
        for family in families
        if any(family in x for x in MINDSPORE_ACCURACIES.values())
    ]
    best = max(x.mean("test_accuracy") for x in table.values())
    rows = [
        [
            str(num_units),
            *(_accuracy(table, x, num_units, best) for x in families),
            *(_mindspore(x, num_units) for x in peers),
        ]
        for num_units in table_1_results.rows(table)
    ]
    devices = " / ".join(MINDSPORE_ACCURACIES)
    header = ["N", *(TITLES[x] for x in families)]
    header += [f"MindSpore {TITLES[x]} ({devices})" for x in peers]
    return markdown_table(header, rows)


def paper_protocol_table(table: Table, tuned: Table) -> str:
    """Formats a row per cell, beside the paper and the tuned protocol.

    Args:
        table: Cells of the paper's protocol.
        tuned: Cells of the tuned protocol; may be empty.
    """
    header = ["cell", "test", "the paper's test", "validation"]
    header += ["test, `tuned`", "validation, `tuned`"] if tuned else []
    rows = []
    for key, cell in table.items():
        row = [
            _title(key),
            _mean(cell, "test_accuracy") + _mark(cell),
            _number(paper_accuracy(*key)),
            _mean(cell, "validation_accuracy"),
        ]
        if tuned:
            row += [
                _mean(tuned.get(key), name)
                for name in ("test_accuracy", "validation_accuracy")
            ]
        rows.append(row)
    return markdown_table(header, rows, 1)


def study_table(studies: Mapping[str, Table], tuned: Table) -> str:
    """Formats validation accuracies of studies beside the tuned protocol.

    Args:
        studies: Cells of each study by its name.
        tuned: Cells of the tuned protocol; may be empty.
    """
    keys = sorted(
        {key for table in studies.values() for key in table},
        key=table_1_results.table_order,
    )
    rows = [
        [f"`{name}`", *(_compare(table.get(x), tuned.get(x)) for x in keys)]
        for name, table in sorted(studies.items())
    ]
    if tuned:
        means = [_mean(tuned.get(x), "validation_accuracy") for x in keys]
        rows.insert(0, ["`tuned`", *means])
    return markdown_table(["study", *map(_title, keys)], rows, 1)


def cost_table(table: Table) -> str:
    """Formats parameters, seconds of an epoch and rate of matrix products."""
    texts = {}
    for key, cell in table.items():
        parameters = cell.results[0].result["parameters"]
        texts[key] = (
            f"{parameters:,} · {cell.epoch_seconds():.2f} · "
            f"{_number(cell.gigaflops())}"
        )
    return _family_table(texts)


def cost_ratio_table(path: pathlib.Path) -> str:
    """Formats the output of `cell_costs.py`.

    Raises:
        ValueError: If the file is invalid or has a cell twice.
    """
    keys = {"family": "text", "num_units": "whole number", "ratio": "number"}
    ratios = {}
    for row in read_rows(path, keys):
        try:
            cell = Cell(row["family"], row["num_units"])
        except ValueError as error:
            raise ValueError(f"{error} It is read from {path}.") from error
        key = cell.family, cell.num_units
        if key in ratios:
            raise ValueError(
                f"Expected every cell once. Received: {cell.family} "
                f"N={cell.num_units} twice in {path}."
            )
        ratios[key] = f"{row['ratio']:.2f}"
    return _family_table(ratios)


def diversity_table(path: pathlib.Path) -> str:
    """Formats the output of `attention_diversity.py`, a row per run.

    Raises:
        ValueError: If the file is invalid.
    """
    header = ["run", "units", "test", "divergence", "favourite digits"]
    header += ["weight on the favourite", "digits with half of a unit's weight"]
    header += ["weight on frames without a digit"]
    runs = read_mapping(path, {})
    if not runs:
        raise ValueError(f"Expected one run or more. Received: {path}, empty.")
    rows = [_diversity(name, run, path) for name, run in runs.items()]
    return markdown_table(header, rows, 1)


def position_bias_table(path: pathlib.Path) -> str:
    """Formats the output of `position_bias.py`: means over the seeds.

    Raises:
        ValueError: If the file is invalid.
    """
    models = ("without", "with")
    keys = {"num_units": "whole number", "seed": "whole number"}
    keys |= dict.fromkeys(models, "mapping")
    groups = {}
    for row in read_rows(path, keys | {"bias_standard_deviation": "number"}):
        for name in models:
            shares = dict.fromkeys(POSITION_BIAS_METRICS, "share")
            check_mapping(row[name], shares, f"{path}, {name}")
        groups.setdefault(row["num_units"], []).append(row)
    header = ["N", "biases", "validation", "test", "test, other order"]
    header += ["standard deviation"]
    rows = []
    for num_units, runs in sorted(groups.items()):
        biases = statistics.fmean(x["bias_standard_deviation"] for x in runs)
        for name, deviation in zip(models, ("0", f"{biases:.3g}"), strict=True):
            accuracies = [
                _percent([run[name][metric] for run in runs])
                for metric in POSITION_BIAS_METRICS
            ]
            rows.append([str(num_units), name, *accuracies, deviation])
    return markdown_table(header, rows)


def frame_union_table(path: pathlib.Path) -> str:
    """Formats the output of `frame_union.py`.

    Raises:
        ValueError: If the file is invalid.
    """
    splits = ("validation", "test")
    values = read_mapping(path, dict.fromkeys(splits, "mapping"))
    accuracies = [values[split].get("accuracy") for split in splits]
    for split, found in zip(splits, accuracies, strict=True):
        keys = dict.fromkeys(FRAME_UNION_METHODS, "share")
        check_mapping(found, keys, f"{path}, accuracy of {split}")
    rows = [
        [title, *(_percent([found[name]]) for found in accuracies)]
        for name, title in FRAME_UNION_METHODS.items()
    ]
    return markdown_table(["a digit is decided by", *splits], rows, 1)


FURTHER_TABLES = {  # by the flag of the program
    "diversity": diversity_table,
    "position_bias": position_bias_table,
    "anchor": frame_union_table,
    "costs": cost_ratio_table,
}


def _family_table(texts: Mapping[tuple[str, int], str]) -> str:
    """Formats texts by number of units and family."""
    families = table_1_results.columns(texts)
    rows = [
        [str(count), *(texts.get((name, count), NONE) for name in families)]
        for count in table_1_results.rows(texts)
    ]
    return markdown_table(["N", *(TITLES[x] for x in families)], rows)


def _title(key):
    family, num_units = key
    return f"{TITLES[family]}, N = {num_units}"


def _accuracy(table, family, num_units, best):
    cell = table.get((family, num_units))
    text = _mean(cell, "test_accuracy")
    if cell and cell.mean("test_accuracy") == best:
        text = f"**{text}**"
    paper = _number(paper_accuracy(family, num_units))
    return f"{text} ({paper}){_mark(cell)}"


def _mindspore(family, num_units):
    return " / ".join(
        _number(mindspore_accuracy(device, family, num_units))
        for device in MINDSPORE_ACCURACIES
    )


def _compare(cell, usual):
    text = _mean(cell, "validation_accuracy")
    if cell is None or usual is None:
        return text
    # The difference of the accuracies as displayed.
    first, second = (
        round(x.mean("validation_accuracy"), DIGITS) for x in (cell, usual)
    )
    points = f"{first - second:+.{DIGITS}f}"
    points = points[1:] if not float(points) else points.replace("-", "−")
    return f"{text} ({points})"


def _mark(cell):
    below = cell is not None and (cell.points_above_paper() or 0) < 0
    return f" {BELOW}" if below else ""


def _mean(cell: CellStatistics | None, metric: str) -> str:
    """Formats a mean in percent, and its deviation if there is one."""
    if cell is None:
        return NONE
    deviation = cell.deviation(metric)
    spread = "" if deviation is None else f" ± {deviation:.{DIGITS}f}"
    return f"{cell.mean(metric):.{DIGITS}f}{spread}"


def _number(value):
    return NONE if value is None else f"{value:.{DIGITS}f}"


def _percent(shares):
    values = [100 * share for share in shares]
    text = f"{statistics.fmean(values):.{DIGITS}f}"
    if len(values) == 1:
        return text
    return f"{text} ± {statistics.stdev(values):.{DIGITS}f}"


def _diversity(name, run, path):
    keys = {
        "num_units": "whole number",
        "test_accuracy": "share",
        "divergence_nats": "number",
        "favourite_digits": "whole number",
        "seen_digits": "whole number",
        "weights": "mapping",
    }
    check_mapping(run, keys, f"{path}, run {name}")
    rows = [run["weights"].get(kind) for kind in KINDS]
    if not all(_are_weights(row, run["num_units"]) for row in rows):
        raise ValueError(
            "Expected weights from 0 to 1, one per unit, for each of "
            f"{', '.join(KINDS)}. Received: {path}, run {name}, with "
            f"{run['weights']}."
        )
    *digits, empty = rows
    best = [max(x or 0.0 for x in unit) for unit in zip(*digits, strict=True)]
    known = [x for x in empty if x is not None]
    return [
        name,
        str(run["num_units"]),
        f"{100 * run['test_accuracy']:.1f}",
        f"{run['divergence_nats']:.3f}",
        str(run["favourite_digits"]),
        f"{100 * statistics.fmean(best):.0f}",
        str(run["seen_digits"]),
        f"{100 * statistics.fmean(known):.0f}" if known else NONE,
    ]


def _are_weights(row, num_units):
    """Returns True for a weight per unit, None where no clip has the kind."""
    return (
        isinstance(row, list)
        and len(row) == num_units > 0
        and all(x is None or is_share(x) for x in row)
    )
