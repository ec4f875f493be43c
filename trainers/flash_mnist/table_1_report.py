"""Fills the tables of a page of results: Table 1 and Figure 4 of the paper.

    python trainers/flash_mnist/table_1_report.py --sweep=runs/table_1 \
        --output=docs/results/flash_mnist.md

reads the results that `trainers/flash_mnist/sweep.py` wrote and replaces the
tables of the page between `<!-- table NAME -->` and `<!-- end -->`. The text of
the page is written by hand; a page that does not exist is made with headings
only. The folder named like the page receives the results as CSV and JSON files
and the plots. Without `--sweep`, the tables are filled from the `cells.json`
of that folder. Cells that are not complete are left out and listed.
"""

import csv
import io
import json
import pathlib
import re
import shutil
import sys
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from absl import app
from absl import flags

import figures
import report_tables
from ac_keras.utils import atomic_file
from cells import MINDSPORE_ACCURACIES
from cells import PROTOCOLS
from cells import mindspore_accuracy
from cells import paper_accuracy
from table_1_results import ProtocolResults
from table_1_results import read_cells_file
from table_1_results import read_sweep
from table_1_results import tabulate_cells

_SWEEP = flags.DEFINE_string(
    "sweep", None, "Output folder of trainers/flash_mnist/sweep.py."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Markdown page whose tables are filled.", required=True
)
_TITLE = flags.DEFINE_string(
    "title", "Flash-MNIST: Table 1 of the paper", "Title of a new page."
)
_PROTOCOLS = flags.DEFINE_list(
    "protocols",
    [],
    "Protocols and studies of the sweep to read, by default all that have a "
    "result.",
)
_FURTHER = {
    "diversity": flags.DEFINE_string(
        "diversity",
        None,
        "JSON file of trainers/flash_mnist/attention_diversity.py, whose plots "
        "are copied from beside it.",
    ),
    "position_bias": flags.DEFINE_string(
        "position_bias",
        None,
        "JSON file of trainers/flash_mnist/position_bias.py.",
    ),
    "anchor": flags.DEFINE_string(
        "anchor", None, "JSON file of trainers/flash_mnist/frame_union.py."
    ),
    "costs": flags.DEFINE_string(
        "costs", None, "JSON file of trainers/flash_mnist/cell_costs.py."
    ),
}

DIVERSITY_PLOTS = ("attention.png", "attended_digits.png")
HEADINGS = {  # of a new page, by the name of the table
    "tuned": "Protocol `tuned`",
    "paper": "Protocol `paper`",
    "studies": "Effect of the settings",
    "diversity": "Attention of the units",
    "position_bias": "A bias for each position",
    "anchor": "Accuracy of the frame CNN alone",
    "cost": "Cost of the tuned protocol",
    "costs": "Cost relative to the matrix products",
}
CELL_KEYS = ("protocol", "family", "num_units", "seed")
METRICS = (  # columns of cells.csv; shares are from 0 to 1, as in result.json
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
DECIMALS = 6  # of the CSV files


def make_tables(
    protocols: Sequence[ProtocolResults],
    further: Mapping[str, pathlib.Path] | None = None,
) -> dict[str, str]:
    """Makes the Markdown tables for which there are results.

    Args:
        protocols: Results of protocols and studies.
        further: Files of further results by the name of their table.

    Returns:
        The tables by name.

    Raises:
        ValueError: If a file of further results is invalid.
    """
    results = {x.name: tabulate_cells(x.cells) for x in protocols}
    tuned, paper = (results.pop(name, {}) for name in PROTOCOLS)
    tables = {}
    if tuned:
        tables["tuned"] = report_tables.accuracy_table(tuned)
    if paper:
        tables["paper"] = report_tables.paper_protocol_table(paper, tuned)
    if results:
        tables["studies"] = report_tables.study_table(results, tuned)
    for name, path in (further or {}).items():
        tables[name] = report_tables.FURTHER_TABLES[name](path)
    if tuned and all(x.curve for y in tuned.values() for x in y.results):
        tables["cost"] = report_tables.cost_table(tuned)
    return tables


def fill_page(page: str, tables: Mapping[str, str]) -> tuple[str, list[str]]:
    """Replaces the tables of a page.

    Args:
        page: Markdown with `<!-- table NAME -->` and `<!-- end -->` around
            each table.
        tables: Markdown tables by name.

    Returns:
        The page, and the names of its tables that are not in `tables`.

    Raises:
        ValueError: If the page lacks the place of a table.
    """
    places = r"(<!-- table (\w+) -->\n)(.*?)(<!-- end -->)"
    found = [name for _, name, *_ in re.findall(places, page, re.DOTALL)]
    missing = [name for name in tables if name not in found]
    if missing:
        raise ValueError(
            "Expected the page to have <!-- table NAME --> and <!-- end --> "
            f"for each of {', '.join(tables)}. Received: a page without "
            f"{', '.join(missing)}. Add these lines where the tables belong."
        )

    def replace(match):
        start, name, old, end = match.groups()
        return f"{start}{tables.get(name, old)}{end}"

    filled = re.sub(places, replace, page, flags=re.DOTALL)
    return filled, [name for name in found if name not in tables]


def new_page(title: str, names: Iterable[str]) -> str:
    """Returns a page with a heading and a place for each table."""
    parts = [
        f"## {heading}\n\n<!-- table {name} -->\n<!-- end -->\n"
        for name, heading in HEADINGS.items()
        if name in names
    ]
    return "\n".join([f"# {title}\n", *parts])


def write_files(
    protocols: Sequence[ProtocolResults], folder: pathlib.Path
) -> None:
    """Writes table.csv, cells.csv, curves.csv and cells.json.

    Args:
        protocols: The results.
        folder: Folder of the files, which exists.
    """
    cells = [(x.name, cell) for x in protocols for cell in x.cells]
    results = [json.dumps(x.result, sort_keys=True) for _, x in cells]
    files = {
        "table.csv": _csv(_table_rows(protocols)),
        "cells.csv": _csv(_cell_rows(cells)),
        "curves.csv": _csv(_curve_rows(cells)),
        "cells.json": "[\n" + ",\n".join(results) + "\n]\n",
    }
    for name, text in files.items():
        atomic_file.write_text(folder / name, text)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output = pathlib.Path(_OUTPUT.value)
    folder = output.with_suffix("")
    further = {
        name: pathlib.Path(flag.value)
        for name, flag in _FURTHER.items()
        if flag.value
    }
    try:
        if output.suffix != ".md":
            raise ValueError(
                "Expected --output to end in .md, because the folder beside "
                "the page has its name without it. Received: "
                f"--output={output}."
            )
        if _SWEEP.value:
            protocols = read_sweep(pathlib.Path(_SWEEP.value), _PROTOCOLS.value)
        else:
            protocols = read_cells_file(folder / "cells.json")
        tables = make_tables(protocols, further)
        if output.is_file():
            page = output.read_text(encoding="utf-8")
        else:
            page = new_page(_TITLE.value, tables)
        page, kept = fill_page(page, tables)
    except ValueError as error:
        sys.exit(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    if _SWEEP.value:
        write_files(protocols, folder)
        for protocol in protocols:
            if protocol.name in PROTOCOLS:
                figures.save_figures(protocol, folder)
    if "diversity" in further:
        copy_plots(further["diversity"].parent, folder)
    atomic_file.write_text(output, page)
    for protocol in protocols:
        print(f"{protocol.name}, cells: {len(protocol.cells)}")
        for path in protocol.unfinished:
            print(f"not complete, left out: {path}")
    if kept:
        print(f"Tables without new results, not changed: {', '.join(kept)}")
    print(f"The page is {output}")


def copy_plots(source: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies the plots of `attention_diversity.py` that there are."""
    for name in DIVERSITY_PLOTS:
        if (source / name).is_file():
            with atomic_file.atomic_path(folder / f"diversity_{name}") as path:
                shutil.copyfile(source / name, path)


def _table_rows(protocols):
    devices = MINDSPORE_ACCURACIES
    yield [
        *CELL_KEYS[:3],
        "seeds",
        *("test_percent", "test_deviation"),
        *("validation_percent", "validation_deviation"),
        "test_top_5_percent",
        *("paper_percent", "points_above_paper"),
        *(f"mindspore_{device.lower()}_percent" for device in devices),
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
                *(paper_accuracy(*key), cell.points_above_paper()),
                *(mindspore_accuracy(device, *key) for device in devices),
            ]


def _cell_rows(cells):
    yield [*CELL_KEYS, *METRICS]
    for protocol, x in cells:
        yield [*_place(protocol, x), *(x.result[name] for name in METRICS)]


def _curve_rows(cells):
    names = ("epoch", "accuracy", "val_accuracy")
    yield [*CELL_KEYS, *names]
    for protocol, x in cells:
        for row in x.curve:
            yield [*_place(protocol, x), *(row[name] for name in names)]


def _place(protocol, x):
    return protocol, x.cell.family, x.cell.num_units, x.cell.seed


def _csv(rows: Iterable[Sequence]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(
            round(x, DECIMALS) if isinstance(x, float) else x for x in row
        )
    return text.getvalue()


if __name__ == "__main__":
    app.run(main)
