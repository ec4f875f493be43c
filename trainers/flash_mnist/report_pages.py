"""The Markdown page of a sweep."""

import dataclasses
import json
import pathlib
import shlex
import statistics
import textwrap
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import table_1_results
from ac_keras.runs import duration
from cells import FAMILIES
from cells import MINDSPORE
from cells import PAPER
from cells import PROTOCOLS
from cells import TITLES
from cells import Cell
from cells import choose_protocol
from cells import mindspore_accuracy
from cells import paper_accuracy
from figures import ACCURACY
from table_1_results import DIGITS
from table_1_results import CellStatistics
from table_1_results import ProtocolResults
from table_1_results import Table
from table_1_results import difference
from table_1_results import place_of
from table_1_results import tabulate_cells

NONE = "–"
BELOW = "▼"  # behind a figure that is below the paper's


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
    families = table_1_results.columns(table)
    peers = [x for x in families if any(x in y for y in MINDSPORE.values())]
    best = max(x.mean("test_accuracy") for x in table.values())
    rows = []
    for num_units in table_1_results.rows(table):
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
    return family_table(
        {key: _cost_of_results_table(cell) for key, cell in table.items()}
    )


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
    families = table_1_results.columns(texts)
    rows = [
        [str(count), *(texts.get((name, count), NONE) for name in families)]
        for count in table_1_results.rows(texts)
    ]
    return markdown_table(["N", *(TITLES[x] for x in families)], rows)


def below_paper(table: Table) -> list[CellStatistics]:
    """Lists the cells below the paper, at the digits that it gives."""
    return [x for x in table.values() if (difference(x) or 0) < 0]


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


def _cost_of_results_table(cell):
    rate = cell.gigaflops()
    rate = NONE if rate is None else f"{rate:.1f}"
    parameters = cell.results[0].result["parameters"]
    return f"{parameters:,} · {cell.epoch_seconds():.2f} · {rate}"


MANY = 3  # values that are all told


def setting_text(name: str, value: Any) -> str:
    """Gives a setting in words, such as `dropout 0.5` or `30 epochs`."""
    if name == "classifier_rate" and value == 1:
        return "the same rate for the classifier"
    return _sentence(name, value_text(name, value))


def value_text(name: str, value: Any) -> str:
    """Gives a setting's value where its name is told before."""
    if value is None:
        return "none"
    if name == "classifier_rate":
        return "the same" if value == 1 else f"{value:g} times the units'"
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`" if isinstance(value, str) else str(value)


def values_text(name: str, values: Collection[Any]) -> str:
    """Gives different values of a setting, their range if they are many."""
    if len(values) == 1 or name != "classifier_rate":
        return _some([value_text(name, x) for x in values], values)
    return f"{_some([f'{x:g}' for x in values], values)} times the units'"


def values_by_size_text(name: str, values: Mapping[int, Any]) -> str:
    """Gives a setting in words of which every number of units has its own."""
    listed = ", ".join(f"{x:g}" for x in values.values())
    if name == "classifier_rate":
        listed += " times the units'"
    return f"{_sentence(name, listed)} for N = {numbers_text(values)}"


def settings_text(settings: Iterable[tuple[str, Any]]) -> str:
    """Gives several settings in words."""
    return ", ".join(setting_text(*item) for item in settings) or "nothing"


def numbers_text(numbers: Iterable[int]) -> str:
    """Gives numbers, commas between."""
    return ", ".join(map(str, numbers))


def _sentence(name, value):
    """Puts a setting's name and the text of its value together."""
    text = name.replace("_", " ")
    if name == "classifier_rate":
        text = "the classifier's rate"
    return f"{value} {text}" if name.endswith("epochs") else f"{text} {value}"


def _some(texts, values):
    if len(texts) <= MANY:
        *first, last = texts
        return f"{', '.join(first)} or {last}" if first else last
    if all(isinstance(x, (int, float)) for x in values):
        return f"{min(values):g} to {max(values):g}"
    return "several"


# Settings that have a flag.
FLAGS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "classifier_rate",
    "schedule",
    "dropout",
    "alpha_initializer",
    "beta_initializer",
)
_WIDTH = 78  # leaves room for a backslash


def sweep_commands(
    cells: Iterable[CellStatistics], sweep_name: str, flags: Mapping[str, Any]
) -> list[str]:
    """Gives commands, as few as there are kinds of cells.

    Args:
        cells: What was trained.
        sweep_name: The sweep's folder, without the path to it.
        flags: Flags of all of them, such as the protocol.
    """
    rows = {}  # number of units, by family and seeds
    datasets = set()
    for cell in cells:
        rows.setdefault((cell.family, cell.seeds), []).append(cell.num_units)
        datasets.add(cell.results[0].dataset["name"])
    blocks = {}
    for (family, seeds), num_units in rows.items():
        blocks.setdefault((tuple(num_units), seeds), []).append(family)
    return [
        _command(
            {
                "data_dir": f"records/{min(datasets)}",
                "output_dir": f"runs/{sweep_name}",
                **flags,
                "families": ",".join(families),
                "num_units": _list(num_units),
                "seeds": _list(seeds),
            }
        )
        for (num_units, seeds), families in blocks.items()
    ]


def command_block(commands: Iterable[str]) -> str:
    """Gives commands as a block of Markdown."""
    return "```\n" + "\n".join(commands) + "\n```\n"


def _command(flags):
    words = [shlex.quote(f"--{name}={x}") for name, x in flags.items()]
    lines = textwrap.wrap(
        " ".join(["python trainers/flash_mnist/sweep.py", *words]),
        _WIDTH,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(lines)


def _list(numbers):
    return numbers_text(numbers).replace(" ", "")


ALL = "all cells"
Key = tuple[str, int]  # family and number of units


def extent_text(keys: Collection[Key], table: Collection[Key]) -> str:
    """Says which of a table's cells these are, as shortly as possible.

    Args:
        keys: Family and number of units of each, in the table's order.
        table: Those of all cells.

    Returns:
        Words such as `N = 1, 2` (of all families that have them), `without
        shift`, `N = 8, with shift` or `FC1, N = 8`.
    """
    if set(keys) == set(table):
        return ALL
    if _are_rows(keys, table):
        return _units(keys)
    return "; ".join(
        _side(
            [key for key in keys if _is_shifted(key) == shift],
            [key for key in table if _is_shifted(key) == shift],
            words,
        )
        for shift, words in ((False, "without shift"), (True, "with shift"))
        if any(_is_shifted(key) == shift for key in keys)
    )


def _side(keys, table, words):
    """Tells of cells that are all shifted, or none of them."""
    if set(keys) == set(table):
        return words
    if _are_rows(keys, table):
        return f"{_units(keys)}, {words}"
    families = dict.fromkeys(family for family, _ in keys)
    return "; ".join(
        f"{TITLES[name]}, {_units([key for key in keys if key[0] == name])}"
        for name in families
    )


def _are_rows(keys, table):
    """Whether they are whole rows of the table."""
    rows = {num_units for _, num_units in keys}
    return set(keys) == {key for key in table if key[1] in rows}


def _units(keys):
    return f"N = {numbers_text(sorted({num_units for _, num_units in keys}))}"


def _is_shifted(key):
    return FAMILIES[key[0]][1]


# What the paper leaves open.
OPEN = ("batch_size", "alpha_initializer", "beta_initializer")
NAMED = {
    name: value
    for name, value in dataclasses.asdict(PAPER).items()
    if name not in OPEN
}
_RATE = """\
A shifted global feature has norm 1, so that the classifier wants weights far
above those that Adam reaches at the units' rate; it has a rate of its own
therefore. A large cluster overfits at a high one.
"""


def protocol_caption(table: Table) -> str:
    """Tells in Markdown where the training differs from the paper's.

    Settings that hold for the same cells share a line.
    """
    different = _by_extent(table, _differences_of_table_caption(table))
    left_open = [
        line.removeprefix("All cells: ")
        for line in _by_extent(table, _left_open(table))
    ]
    lines = "".join(f"- {line}.\n" for line in [*different, *left_open])
    if not different:
        return f"Nothing differs from the paper's protocol:\n\n{lines}"
    intro = textwrap.fill(
        f"The paper's protocol is Adam with {settings_text(NAMED.items())}. "
        "What differs here, by number of units N:",
        80,
        break_on_hyphens=False,
    )
    rates = {settings_of(x).get("classifier_rate", 1) for x in table.values()}
    reason = "" if rates == {1} else f"\n{_RATE}"
    return f"{intro}\n\n{lines}{reason}"


def seeds_caption(table: Table) -> str:
    """Tells the seeds, and the cells that have others than most."""
    counts = {}
    for key, cell in table.items():
        counts.setdefault(cell.seeds, []).append(key)
    seeds, _ = max(counts.items(), key=lambda item: len(item[1]))
    text = f"Seeds of a cell: {_counted(seeds)}"
    others = [
        f"{extent_text(keys, table)}: {_counted(key)}"
        for key, keys in counts.items()
        if key != seeds
    ]
    return f"{text}; but {'; '.join(others)}." if others else f"{text}."


def settings_of(cell) -> dict:
    """Gives the settings that all seeds of a cell have."""
    return cell.results[0].result["settings"]


def _by_extent(table, found):
    """Gives a line for each set of cells, that of all cells first."""
    extents = {}
    for keys, text in found:
        extents.setdefault(keys, []).append(text)
    order = sorted(extents, key=lambda keys: len(keys) < len(table))
    return [
        f"{_capital(extent_text(keys, table))}: {', '.join(extents[keys])}"
        for keys in order
    ]


def _differences_of_table_caption(table):
    """Gives the cells of every value that is not the paper's, and words."""
    found = []
    names = dict.fromkeys(
        name for cell in table.values() for name in settings_of(cell)
    )
    for name in dict.fromkeys([*NAMED, *names]):
        paper = NAMED.get(name)
        told = f"(paper: {value_text(name, paper)})"
        groups = [
            (value, cells)
            for value, cells in _values(table, name)
            if name not in OPEN and value is not None and value != paper
        ]
        by_size, groups = _split_by_size(groups)
        for cells, values in by_size:
            text = values_by_size_text(name, values)
            found.append((cells, f"{text} {told}"))
        for value, cells in groups:
            found.append((cells, f"{setting_text(name, value)} {told}"))
    return found


def _split_by_size(groups):
    """Takes out what would be a line for almost every number of units.

    Args:
        groups: A setting's values, each with its cells.

    Returns:
        Pairs of cells and of their values, a mapping by N, for shifted cells
        and others where there are many values; and the rest of the groups.
    """
    found, rest = [], list(groups)
    for shift in (False, True):
        side = [
            (value, cells)
            for value, cells in rest
            if all(FAMILIES[family][1] == shift for family, _ in cells)
        ]
        values = {n: value for value, cells in side for _, n in cells}
        if len(values) == len(side) > MANY and _are_numbers(values.values()):
            keys = tuple(key for _, cells in side for key in cells)
            found.append((keys, dict(sorted(values.items()))))
            rest = [group for group in rest if group not in side]
    return found, rest


def _are_numbers(values):
    return all(isinstance(x, (int, float)) for x in values)


def _left_open(table):
    groups = {}
    for key, cell in table.items():
        settings = settings_of(cell)
        open_ones = [(x, settings[x]) for x in OPEN if x in settings]
        groups.setdefault(settings_text(open_ones), []).append(key)
    return [
        (tuple(keys), f"Left open by the paper: {text}")
        for text, keys in groups.items()
    ]


def _values(table, name):
    """Lists a setting's values by N, each with the cells that have it."""
    cells = {}
    for key, cell in table.items():
        value = settings_of(cell).get(name)
        cells.setdefault(json.dumps(value), (value, []))[1].append(key)
    groups = [(value, tuple(keys)) for value, keys in cells.values()]
    return sorted(groups, key=lambda group: min(n for _, n in group[1]))


def _capital(text):
    return text[0].upper() + text[1:]


def _counted(seeds):
    return f"{len(seeds)} ({numbers_text(seeds)})"


_LEGEND = f"""\
In parentheses: the paper. Bold: the best cell. {BELOW}: below the paper, with
figures rounded to one digit, as the paper's are.
"""
_EXACT_LEGEND = f"""\
{BELOW}: below the paper. `tuned`: the same cell in the table above.
"""


def describe_protocol(
    protocol: ProtocolResults, pictures: Mapping[str, str], sweep_name: str
) -> str:
    """Gives the section of a protocol that all cells are trained with.

    Args:
        protocol: What came out.
        pictures: Mapping from a picture's caption to its address.
        sweep_name: The sweep's folder, without the path to it.

    Returns:
        Markdown: the table and the picture first, then how they were made.
    """
    table = tabulate_cells(protocol.cells)
    parts = [
        "Its settings were chosen on the validation split. Test accuracy:\n",
        test_table(table),
        f"{seeds_caption(table)}\n{_LEGEND}",
        *_pictures(pictures, True),
        _below(table),
        *_training(protocol, table, sweep_name),
        *_pictures(pictures, False),
    ]
    return "\n".join(parts)


def describe_exact(
    protocol: ProtocolResults,
    tuned: Table,
    pictures: Mapping[str, str],
    sweep_name: str,
) -> str:
    """Gives the section of the paper's protocol, of the cells it was run for.

    Args:
        protocol: What came out.
        tuned: Cells of the tuned protocol, to stand beside; may be empty.
        pictures: Mapping from a picture's caption to its address.
        sweep_name: The sweep's folder, without the path to it.
    """
    table = tabulate_cells(protocol.cells)
    parts = [
        "In the words of the paper. The cells that it was run for:\n",
        exact_table(table, tuned),
        f"{seeds_caption(table)}\n{_EXACT_LEGEND}",
        *_training(protocol, table, sweep_name),
        *_pictures(pictures, True),
        *_pictures(pictures, False),
    ]
    return "\n".join(parts)


def _training(protocol, table, sweep_name):
    """Tells how the cells were trained."""
    commands = sweep_commands(
        table.values(), sweep_name, {"protocol": protocol.name}
    )
    parts = [
        "### How they were trained\n",
        protocol_caption(table),
        command_block(commands),
        _total(protocol),
    ]
    if protocol.unfinished:
        names = [f"`{'/'.join(x.parts[-3:])}`" for x in protocol.unfinished]
        parts.append(f"Not finished and left out: {', '.join(names)}.\n")
    return parts


def _pictures(pictures, of_accuracy):
    """Gives the picture of accuracy against N, or all others."""
    return [
        f"{caption}:\n\n![{caption}]({address})\n"
        for caption, address in pictures.items()
        if (caption == ACCURACY) == of_accuracy
    ]


def _below(table):
    names = [
        f"{cell_name(cell)} (by {-difference(cell):.1f} points)"
        for cell in below_paper(table)
    ]
    if not names:
        return "No cell is below the paper.\n"
    return f"Below the paper: {'; '.join(names)}.\n"


def _total(protocol):
    seconds = sum(x.result["training_seconds"] for x in protocol.cells)
    text = f"Training, all cells together: {duration(seconds)} of their own"
    if protocol.sittings:
        seconds = sum(x["seconds"] for x in protocol.sittings)
        workers = sorted({x["workers"] for x in protocol.sittings})
        at_a_time = " or ".join(map(str, workers))
        text += f"; {duration(seconds)} by the clock, {at_a_time} at a time"
    return f"{text}.\n"


FIGURE = "validation_accuracy"
_TEXT = """\
Validation accuracy in percent. Each study changes settings of the tuned
protocol and keeps the others; in parentheses: points above the tuned cell, each
the mean over all seeds that it was run with. All choices were made on the
validation split; a study's test accuracy chose nothing.
"""


def describe_studies(
    studies: Sequence[ProtocolResults], tuned: Table, sweep_name: str
) -> str:
    """Gives a section of a page, in Markdown.

    Args:
        studies: Cells that were trained with other settings, one study each.
        tuned: Cells of the tuned protocol; may be empty.
        sweep_name: The sweep's folder, without the path to it.

    Returns:
        A table, the commands, and what is not finished.
    """
    tables = {
        study.name: tabulate_cells(study.cells)
        for study in sorted(studies, key=lambda x: x.name)
    }
    commands = []
    for name, table in tables.items():
        commands += _commands(name, table, tuned, sweep_name)
    parts = [_TEXT, _table(tables, tuned)]
    if commands:
        parts += ["The commands:\n", command_block(commands)]
    unfinished = [
        f"`{'/'.join(path.parts[-4:])}`"
        for study in studies
        for path in study.unfinished
    ]
    if unfinished:
        parts.append(f"Not finished and left out: {', '.join(unfinished)}.\n")
    return "\n".join(parts)


def difference_text(table: Table, tuned: Table) -> str:
    """Says in which settings a study differs from the tuned protocol.

    Args:
        table: The study's cells.
        tuned: Those of the tuned protocol.
    """
    texts = []
    for name, pairs in _differences(table, tuned).items():
        values = {}
        for key, (value, _) in pairs.items():
            values.setdefault(json.dumps(value), []).append(key)
        for keys in values.values():
            if all(pairs[key][0] == pairs[key][1] for key in keys):
                continue
            text = setting_text(name, pairs[keys[0]][0])
            if len(values) > 1:
                text += f" for {extent_text(keys, table)}"
            usual = {json.dumps(pairs[key][1]): pairs[key][1] for key in keys}
            told = values_text(name, usual.values())
            texts.append(f"{text} (tuned: {told})")
    return ", ".join(texts) or "nothing"


def _table(tables, tuned):
    cells = {key: x for table in tables.values() for key, x in table.items()}
    keys = sorted(cells, key=place_of)
    rows = [["`tuned`", *(_figure(tuned, key) for key in keys)]] * bool(tuned)
    for name, table in tables.items():
        first = f"`{name}`: {difference_text(table, tuned)}"
        rows.append([first, *(_compared(table, tuned, key) for key in keys)])
    header = ["what differs", *(cell_name(cells[key]) for key in keys)]
    return markdown_table(header, rows, 1)


def _figure(table, key):
    return figure_text(table[key], FIGURE) if key in table else NONE


def _compared(table, tuned, key):
    text = _figure(table, key)
    if key not in table or key not in tuned:
        return text
    # Of rounded figures, so that it is the difference of what is shown.
    study, usual = (round(x[key].mean(FIGURE), DIGITS) for x in (table, tuned))
    return f"{text} ({points_text(study - usual)})"


def _differences(table, tuned):
    """Gives for each setting that differs somewhere its values in all cells.

    They are pairs: the study's and the tuned protocol's.
    """
    pairs = {}
    for key, cell in table.items():
        settings, usual = settings_of(cell), _tuned_settings(key, cell, tuned)
        for name in dict.fromkeys([*usual, *settings]):
            found = settings.get(name), usual.get(name)
            pairs.setdefault(name, {})[key] = found
    return {
        name: found
        for name, found in pairs.items()
        if any(value != usual for value, usual in found.values())
    }


def _tuned_settings(key, cell, tuned):
    if key in tuned:
        return settings_of(tuned[key])
    return dataclasses.asdict(choose_protocol("tuned", cell.results[0].cell))


def _commands(name, table, tuned, sweep_name):
    """Gives the commands of a study, for cells of the same flags each."""
    names = [x for x in FLAGS if x in _differences(table, tuned)]
    groups = {}
    for cell in table.values() if names else ():
        settings = settings_of(cell)
        flags = {x: settings[x] for x in names if settings.get(x) is not None}
        groups.setdefault(json.dumps(flags), (flags, []))[1].append(cell)
    return [
        command
        for flags, cells in groups.values()
        for command in sweep_commands(
            cells, sweep_name, {"study": name, **flags}
        )
    ]


_INTRODUCTION = """\
Table 1 of the paper: attention clusters of N units on Flash-MNIST, by the
weighting of their units (average, FC1, FC2) and with or without shifting. A
cell is one model. The epoch that is kept is the best on the validation split,
whose clips are held out of the training clips; the test split is measured once,
with that epoch. The paper mentions no validation split. Validation clips are
made of digit images that the training clips and the frame CNN have seen too,
test clips of new ones. MindSpore's figures are of 200 epochs, the best of which
was picked on the test split.

Accuracies are in percent: the mean over the seeds ± the sample standard
deviation (ddof = 1: the sum of squares over n − 1), and the figure alone where
there is one seed. Seeds differ in initial values, order of the clips and
dropout; the clips themselves are the same.
"""
_COST = """\
Parameters · median seconds of a training epoch, validation apart · 1e9
operations a second in matrix products, which are counted forward and backward,
without all else that a step does. A cell is trained in one thread, with others
beside it.
"""


def write_page(
    title: str,
    sweep_name: str,
    protocols: Sequence[ProtocolResults],
    pictures: Mapping[str, Mapping[str, str]],
    sections: Mapping[str, str],
    folder: str,
    costs: str = "",
) -> str:
    """Writes the page.

    Args:
        title: Its title.
        sweep_name: The sweep's folder, without the path to it.
        protocols: What came out, that of studies included.
        pictures: For each protocol but the studies a mapping from a picture's
            caption to its address on the page.
        sections: Further sections: mapping from heading to Markdown.
        folder: Address of the folder with the CSV and JSON files.
        costs: Markdown that the section of the cost ends with.

    Returns:
        The page as Markdown.
    """
    result = protocols[0].cells[0].result
    dataset = protocols[0].cells[0].dataset
    parts = [
        f"# {title}\n",
        _INTRODUCTION,
        f"Dataset `{dataset['name']}`, SHA-256 of its manifest "
        f"`{dataset['manifest_sha256'][:16]}…`; TensorFlow "
        f"{result['tensorflow']}, Keras {result['keras']}.\n",
    ]
    main = {x.name: x for x in protocols if x.name in PROTOCOLS}
    studies = [x for x in protocols if x.name not in PROTOCOLS]
    tuned = tabulate_cells(main["tuned"].cells) if "tuned" in main else {}
    found = {}
    if tuned:
        found["Protocol `tuned`"] = describe_protocol(
            main["tuned"], pictures["tuned"], sweep_name
        )
    if "paper" in main:
        found["Protocol `paper`"] = describe_exact(
            main["paper"], tuned, pictures["paper"], sweep_name
        )
    if studies:
        found["What the settings do"] = describe_studies(
            studies, tuned, sweep_name
        )
    found |= sections
    found["Cost"] = _cost(main, costs)
    found["Files"] = _files(folder)
    parts += [
        f"## {heading}\n\n{text}" for heading, text in found.items() if text
    ]
    return "\n".join(parts)


def _cost(protocols, costs):
    """Tells what the first of the protocols costs, and what is given."""
    parts = []
    if protocols:
        name, protocol = next(iter(protocols.items()))
        table = cost_table(tabulate_cells(protocol.cells))
        parts = [f"Protocol `{name}`:\n", table, _COST]
    return "\n".join([*parts, costs] if costs else parts)


def _files(folder):
    return (
        f"- [table.csv]({folder}/table.csv): a line for each cell, in percent:"
        " test and\n  validation, top 5, points above the paper\n"
        f"- [cells.csv]({folder}/cells.csv): a line for each cell and seed\n"
        f"- [cells.json]({folder}/cells.json): their results with settings\n"
        f"- [curves.csv]({folder}/curves.csv): accuracies of every epoch\n"
    )


SPLITS = ("validation", "test")
_WAYS = {
    "hard": "the frame's most probable class",
    "threshold_by_digit": "a threshold for each digit, chosen by itself",
    "threshold_by_set": "thresholds chosen for whole sets of digits",
}


def read_anchor(path: pathlib.Path) -> dict[str, dict[str, float]]:
    """Reads what `trainers/flash_mnist/frame_union.py` wrote.

    Returns:
        Mapping from split to the accuracy of each way to decide, from 0 to 1.

    Raises:
        ValueError: If the file is something else.
    """
    values = table_1_results.read_mapping(
        path, dict.fromkeys(SPLITS, "mapping")
    )
    anchor = {split: values[split].get("accuracy") for split in SPLITS}
    validation, test = anchor.values()
    fits = (
        isinstance(validation, dict)
        and isinstance(test, dict)
        and bool(validation)
        and set(validation) == set(test)
        and all(
            table_1_results.is_share(share)
            for shares in (validation, test)
            for share in shares.values()
        )
    )
    if not fits:
        raise ValueError(
            "Expected the same accuracies from 0 to 1 under accuracy of "
            f"validation and test. Received: {path} with {anchor}. Make it "
            "with trainers/flash_mnist/frame_union.py --output."
        )
    return anchor


def describe_anchor(anchor: Mapping[str, Mapping[str, float]]) -> str:
    """Gives a section of a page, in Markdown.

    Args:
        anchor: What `read_anchor` gives.
    """
    validation, test = (anchor[split] for split in SPLITS)
    rows = [
        [_WAYS.get(x, x), f"{100 * validation[x]:.1f}", f"{100 * test[x]:.1f}"]
        for x in validation
    ]
    return (
        "The pretrained CNN decides on the digit of each frame; the union over "
        "a clip's\nframes is held against its class. No cluster is involved, "
        "and thresholds are\nchosen on the validation split. Accuracies in "
        "percent:\n\n"
        + markdown_table(["a digit is decided by", *SPLITS], rows, 1)
    )


KEYS = {
    "num_units": "whole number",
    "test_clips": "whole number",
    "test_accuracy": "share",
    "divergence_nats": "number",
    "favourite_digits": "whole number",
    "seen_digits": "whole number",
    "favourites": "list",
    "weights": "mapping",
    "even_weights": "mapping",
}
DIGITS_ATTENTION_DIVERSITY = tuple(map(str, range(10)))
EMPTY = "none"  # frames without a digit
_HEAT_MAP = "Weight of each unit on the frames with each digit"
_TEXT_ATTENTION_DIVERSITY = """\
Which digits lie on which frame of the test clips is known, so that units are
told by the digits that they attend to. Divergence is the mean Jensen-Shannon
divergence between the attention of two units in the same clip: 0 nats if they
attend to the same frames, 0.693 if to none in common. A unit's favourite is the
digit on whose frames it puts the most weight, mean over the clips that have the
digit; it has none if even weights put as much there.
"""
_WEIGHTS = """\
The weight of each unit, in percent, on all frames with a digit, and on those
without any; units stand by their favourite:
"""


def read_diversity(path: pathlib.Path) -> dict[str, dict]:
    """Reads what `trainers/flash_mnist/attention_diversity.py` wrote.

    Returns:
        Mapping from a run's name to its numbers.

    Raises:
        ValueError: If the file is something else.
    """
    runs = table_1_results.read_mapping(path, {})
    for name, run in runs.items():
        table_1_results.check_mapping(run, KEYS, f"{path}, run {name}")
        if not _fits(run):
            raise ValueError(
                "Expected a favourite digit or null for each unit, weights "
                f"from 0 to 1 for {', '.join(DIGITS_ATTENTION_DIVERSITY)} and {EMPTY}, one a "
                f"unit, and as many even ones. Received: {path}, run {name}, "
                "with others. Make it with trainers/flash_mnist/attention_diversity.py."
            )
    if not runs:
        raise ValueError(
            f"Expected a run or more. Received: {path} with none. Make it "
            "with trainers/flash_mnist/attention_diversity.py."
        )
    return runs


def find_pictures(
    path: pathlib.Path, runs: Mapping[str, dict]
) -> dict[str, pathlib.Path]:
    """Finds the pictures beside the file; a run's own if none has all.

    Returns:
        Mapping from a picture's caption to its file.
    """
    names = {"attention.png": "Attention of the units in the first test clips"}
    if not (path.parent / "attention.png").is_file():
        names = {
            f"attention_{run.replace('/', '-')}.png": f"Attention of {run}"
            for run in runs
        }
    names["attended_digits.png"] = _HEAT_MAP
    return {
        caption: path.parent / name
        for name, caption in names.items()
        if (path.parent / name).is_file()
    }


def describe_diversity(
    runs: Mapping[str, dict], pictures: Mapping[str, str]
) -> str:
    """Gives a section of a page, in Markdown.

    The weights of all units are a table only where no picture shows them.

    Args:
        runs: What `read_diversity` gives.
        pictures: Mapping from a picture's caption to its address.
    """
    header = ["run", "units", "test", "divergence", "favourite digits"]
    header += ["weight on the favourite", "digits with half of a unit's weight"]
    header += ["weight on frames without a digit"]
    parts = [
        _TEXT_ATTENTION_DIVERSITY,
        markdown_table(header, [_summary(*item) for item in runs.items()], 1),
        *(f"{text}:\n\n![{text}]({x})\n" for text, x in pictures.items()),
    ]
    if _HEAT_MAP not in pictures:
        parts.append(_WEIGHTS)
        for name, run in runs.items():
            parts += [f"### {name}\n", _weights(run)]
    return "\n".join(parts)


def _fits(run):
    size, table = run["num_units"], run["weights"]
    rows = [table.get(kind) for kind in (*DIGITS_ATTENTION_DIVERSITY, EMPTY)]
    even = [
        [run["even_weights"].get(kind, -1)]
        for kind in (*DIGITS_ATTENTION_DIVERSITY, EMPTY)
    ]
    return (
        size > 0
        and len(run["favourites"]) == size
        and all(
            x is None or str(x) in DIGITS_ATTENTION_DIVERSITY
            for x in run["favourites"]
        )
        and all(isinstance(row, list) and len(row) == size for row in rows)
        and all(
            x is None or table_1_results.is_share(x)
            for row in rows + even
            for x in row
        )
    )


def _summary(name, run):
    best = [max(row) for row in _columns(run)]
    empty = [x for x in run["weights"][EMPTY] if x is not None]
    return [
        name,
        str(run["num_units"]),
        f"{100 * run['test_accuracy']:.1f}",
        f"{run['divergence_nats']:.3f}",
        str(run["favourite_digits"]),
        f"{100 * statistics.fmean(best):.0f}",
        str(run["seen_digits"]),
        f"{100 * statistics.fmean(empty):.0f}" if empty else NONE,
    ]


def _columns(run):
    """Gives each unit's weights on the digits, 0 for those in no clip."""
    rows = [
        [x or 0.0 for x in run["weights"][kind]]
        for kind in DIGITS_ATTENTION_DIVERSITY
    ]
    return list(zip(*rows, strict=True))


def _weights(run):
    favourites, columns = run["favourites"], _columns(run)

    def place(unit):
        digit = favourites[unit]
        return digit is None, digit or 0, -max(columns[unit]), unit

    units = sorted(range(run["num_units"]), key=place)
    names = [EMPTY if x is None else x for x in favourites]
    header = [f"unit {unit + 1} ({names[unit]})" for unit in units]
    rows = []
    for kind in (*DIGITS_ATTENTION_DIVERSITY, EMPTY):
        row = run["weights"][kind]
        texts = [_percent(row[unit]) for unit in units]
        rows.append([kind, *texts, _percent(run["even_weights"][kind])])
    return markdown_table(["frames with", *header, "even weights"], rows, 1)


def _percent(share):
    return NONE if share is None else f"{100 * share:.0f}"


WAYS = ("without", "with")
FIGURES = ("validation_accuracy", "test_accuracy", "permuted_test_accuracy")
KEYS_POSITION_BIAS = {
    "num_units": "whole number",
    "seed": "whole number",
    "without": "mapping",
    "with": "mapping",
    "bias_standard_deviation": "number",
}
_TEXT_POSITION_BIAS = """\
Eq. 4 of the paper adds a bias inside the softmax over the frames. One bias a
unit would cancel there; read literally it is one for each position, which ties
a model to the order of the frames. FC1 with shift, trained by the tuned
protocol without such biases and with them, and tested on the test clips as they
are and with the frames of each in another order. Accuracies in percent; the
last column is how much a unit's biases differ over the positions:
"""


def read_position_bias(path: pathlib.Path) -> list[dict]:
    """Reads what `trainers/flash_mnist/position_bias.py` wrote.

    Raises:
        ValueError: If the file is something else.
    """
    rows = table_1_results.read_rows(path, KEYS_POSITION_BIAS)
    for row in rows:
        for way in WAYS:
            if not all(
                table_1_results.is_share(row[way].get(x)) for x in FIGURES
            ):
                raise ValueError(
                    f"Expected {', '.join(FIGURES)} from 0 to 1 under {way}. "
                    f"Received: {path} with {row[way]}. Make it with "
                    "trainers/flash_mnist/position_bias.py."
                )
    return rows


def describe_position_bias(rows: Sequence[Mapping]) -> str:
    """Gives a section of a page, in Markdown: means over the seeds.

    Args:
        rows: What `read_position_bias` gives.
    """
    groups = {}
    for row in rows:
        groups.setdefault(row["num_units"], []).append(row)
    header = ["N", "biases", "validation", "test", "test, other order"]
    header += ["standard deviation"]
    lines = [
        [str(num_units), way, *_figures(runs, way), _biases(runs, way)]
        for num_units, runs in sorted(groups.items())
        for way in WAYS
    ]
    seeds = sorted({row["seed"] for row in rows})
    return (
        f"{_TEXT_POSITION_BIAS}\n{markdown_table(header, lines)}\n"
        f"Seeds: {', '.join(map(str, seeds))}.\n"
    )


def _figures(runs, way):
    return [
        _percent_of_position_bias([run[way][name] for run in runs])
        for name in FIGURES
    ]


def _biases(runs, way):
    if way == "without":
        return "0"
    return f"{statistics.fmean(x['bias_standard_deviation'] for x in runs):.3g}"


def _percent_of_position_bias(shares):
    values = [100 * share for share in shares]
    text = f"{statistics.fmean(values):.1f}"
    if len(values) == 1:
        return text
    return f"{text} ± {statistics.stdev(values):.1f}"


KEYS_MEASURED_COSTS = {
    "family": "text",
    "num_units": "whole number",
    "epoch_seconds": "number",
    "product_seconds": "number",
    "ratio": "number",
}
_TEXT_MEASURED_COSTS = """\
Time of an epoch divided by the time of its matrix products alone, measured side
by side in one thread:
"""


def read_costs(path: pathlib.Path) -> list[dict]:
    """Reads what `trainers/flash_mnist/cell_costs.py` wrote.

    Returns:
        A mapping for each cell with its `family`, `num_units` and `ratio`.

    Raises:
        ValueError: If the file is something else, or has a cell twice.
    """
    rows = table_1_results.read_rows(path, KEYS_MEASURED_COSTS)
    places = set()
    for row in rows:
        try:
            cell = Cell(row["family"], row["num_units"])
        except ValueError as error:
            raise ValueError(f"{error} It is read from {path}.") from error
        if cell in places:
            raise ValueError(
                f"Expected every cell once. Received: {cell.family} "
                f"N={cell.num_units} again in {path}. Measure it anew with "
                "trainers/flash_mnist/cell_costs.py."
            )
        places.add(cell)
    return rows


def describe_costs(rows: Sequence[dict]) -> str:
    """Gives the ratios as a table with a sentence, in Markdown."""
    ratios = {
        (row["family"], row["num_units"]): f"{row['ratio']:.2f}" for row in rows
    }
    return f"{_TEXT_MEASURED_COSTS}\n{family_table(ratios)}"
