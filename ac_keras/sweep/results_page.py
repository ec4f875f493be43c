"""The Markdown page of a sweep."""

from collections.abc import Mapping
from collections.abc import Sequence

from ac_keras.sweep import results_table
from ac_keras.sweep.cell_results import ProtocolResults
from ac_keras.sweep.cell_statistics import tabulate_cells
from ac_keras.sweep.protocols import PROTOCOLS
from ac_keras.sweep.results_table import BELOW
from ac_keras.sweep.table_caption import protocol_caption
from ac_keras.sweep.table_caption import seeds_caption
from ac_keras.visualization.readable_values import readable_number

_INTRODUCTION = """\
Table 1 of the paper: attention clusters of N units on Flash-MNIST, by the
weighting of their units (average, FC1, FC2) and with or without shifting. A
cell is one model. The epoch that is kept is the best on the validation split,
whose clips are held out of the training clips; the test split is measured once,
with that epoch. The paper mentions no validation split. MindSpore's figures are
of 200 epochs, the best of which was picked on the test split.

Accuracies are in percent: the mean over the seeds ± the sample standard
deviation (ddof = 1: the sum of squares over n − 1), and the figure alone where
there is one seed. Seeds differ in initial values, order of the clips and
dropout; the clips themselves are the same.
"""
_TEST = f"""\
In parentheses: the paper. Bold: the best cell. {BELOW}: below the paper, with
figures rounded to one digit, as the paper's are.
"""
_COST = """\
Parameters · median seconds of a training epoch, validation apart · 1e9
operations a second in matrix products, which are counted forward and backward,
without all else that a step does. A cell is trained in one thread, with others
beside it.
"""
_PROTOCOLS = {
    "tuned": "Its settings were chosen on the validation split.\n",
    "paper": "In the words of the paper.\n",
}


def write_page(
    title: str,
    sweep_name: str,
    protocols: Sequence[ProtocolResults],
    pictures: Mapping[str, Mapping[str, str]],
    sections: Mapping[str, str],
    folder: str,
) -> str:
    """Writes the page.

    Args:
        title: Its title.
        sweep_name: The sweep's folder, without the path to it.
        protocols: What came out.
        pictures: For each protocol a mapping from a picture's caption to its
            address on the page.
        sections: Further sections: mapping from heading to Markdown.
        folder: Address of the folder with the CSV and JSON files.

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
    for protocol in protocols:
        parts += _protocol_section(
            protocol, sweep_name, pictures[protocol.name]
        )
    parts += [
        f"## {heading}\n\n{text}" for heading, text in sections.items() if text
    ]
    parts.append(
        "## Files\n\n"
        f"- [table.csv]({folder}/table.csv): a line for each cell, in percent\n"
        f"- [cells.csv]({folder}/cells.csv): a line for each cell and seed\n"
        f"- [cells.json]({folder}/cells.json): their results with settings\n"
        f"- [curves.csv]({folder}/curves.csv): accuracies of every epoch\n"
    )
    return "\n".join(parts)


def _protocol_section(protocol, sweep_name, pictures):
    table = tabulate_cells(protocol.cells)
    parts = [
        f"## Protocol `{protocol.name}`\n",
        _PROTOCOLS.get(protocol.name, "A study, to find out what matters.\n"),
        *_commands(protocol, table, sweep_name),
        "### Test accuracy\n",
        protocol_caption(table),
        f"{seeds_caption(table)}\n\n{_TEST}",
        results_table.test_table(table),
        _below(table),
        "Points above the paper:\n",
        results_table.difference_table(table),
        "### Validation accuracy\n",
        results_table.validation_table(table),
        "### Test accuracy, top 5\n",
        results_table.top_5_table(table),
        "### Cost\n",
        _COST,
        results_table.cost_table(table),
        _total(protocol),
    ]
    if protocol.unfinished:
        names = ", ".join(f"`{_place(x)}`" for x in protocol.unfinished)
        parts.append(f"Not finished and left out: {names}.\n")
    if pictures:
        parts.append("### Curves\n")
        parts += [
            f"{caption}\n\n![{caption}]({address})\n"
            for caption, address in pictures.items()
        ]
    return parts


def _commands(protocol, table, sweep_name):
    """Gives the commands that train the cells; a study's are not known."""
    if protocol.name not in PROTOCOLS:
        return []
    rows = {}  # number of units, by family and seeds
    for cell in table.values():
        rows.setdefault((cell.family, cell.seeds), []).append(cell.num_units)
    blocks = {}
    for (family, seeds), num_units in rows.items():
        blocks.setdefault((tuple(num_units), seeds), []).append(family)
    commands = []
    for (num_units, seeds), families in blocks.items():
        flags = {
            "data_dir": f"records/{protocol.cells[0].dataset['name']}",
            "output_dir": f"runs/{sweep_name}",
            "protocol": protocol.name,
            "families": ",".join(families),
            "num_units": ",".join(map(str, num_units)),
            "seeds": ",".join(map(str, seeds)),
        }
        lines = [f"    --{name}={value}" for name, value in flags.items()]
        commands.append(" \\\n".join(["python trainers/sweep.py", *lines]))
    text = "\n".join(commands)
    return [f"```\n{text}\n```\n"]


def _below(table):
    below = results_table.below_paper(table)
    if not below:
        return "No cell is below the paper.\n"
    lines = []
    for cell in below:
        points = f"{-results_table.difference(cell):.1f}"
        name = results_table.cell_name(cell)
        lines.append(f"- {name}: by {points} points\n")
    return "Below the paper:\n\n" + "".join(lines)


def _total(protocol):
    seconds = sum(x.result["training_seconds"] for x in protocol.cells)
    text = f"Training, all cells together: {_duration(seconds)} of their own"
    if protocol.sittings:
        seconds = sum(x["seconds"] for x in protocol.sittings)
        workers = sorted({x["workers"] for x in protocol.sittings})
        at_a_time = " or ".join(map(str, workers))
        text += f"; {_duration(seconds)} by the clock, {at_a_time} at a time"
    return f"{text}.\n"


def _duration(seconds):
    return readable_number("seconds", seconds)


def _place(path):
    return "/".join(path.parts[-3:])
