"""The Markdown page of a sweep."""

from collections.abc import Mapping
from collections.abc import Sequence

from ac_keras.sweep import results_table
from ac_keras.sweep.cell_results import ProtocolResults
from ac_keras.sweep.cell_statistics import tabulate_cells
from ac_keras.sweep.protocol_sections import describe_exact
from ac_keras.sweep.protocol_sections import describe_protocol
from ac_keras.sweep.protocols import PROTOCOLS
from ac_keras.sweep.results_studies import describe_studies

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
        table = results_table.cost_table(tabulate_cells(protocol.cells))
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
