"""What a bias for each frame's position does, beside a sweep."""

import pathlib
import statistics
from collections.abc import Mapping
from collections.abc import Sequence

from ac_keras.sweep import result_checks
from ac_keras.sweep.results_table import markdown_table

WAYS = ("without", "with")
FIGURES = ("validation_accuracy", "test_accuracy", "permuted_test_accuracy")
KEYS = {
    "num_units": "whole number",
    "seed": "whole number",
    "without": "mapping",
    "with": "mapping",
    "bias_standard_deviation": "number",
}
_TEXT = """\
Eq. 4 of the paper adds a bias inside the softmax over the frames. One bias a
unit would cancel there; read literally it is one for each position, which ties
a model to the order of the frames. FC1 with shift, trained by the tuned
protocol without such biases and with them, and tested on the test clips as they
are and with the frames of each in another order. Accuracies in percent; the
last column is how much a unit's biases differ over the positions:
"""


def read_position_bias(path: pathlib.Path) -> list[dict]:
    """Reads what `trainers/position_bias.py` wrote.

    Raises:
        ValueError: If the file is something else.
    """
    rows = result_checks.read_rows(path, KEYS)
    for row in rows:
        for way in WAYS:
            if not all(
                result_checks.is_share(row[way].get(x)) for x in FIGURES
            ):
                raise ValueError(
                    f"Expected {', '.join(FIGURES)} from 0 to 1 under {way}. "
                    f"Received: {path} with {row[way]}. Make it with "
                    "trainers/position_bias.py."
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
        f"{_TEXT}\n{markdown_table(header, lines)}\n"
        f"Seeds: {', '.join(map(str, seeds))}.\n"
    )


def _figures(runs, way):
    return [_percent([run[way][name] for run in runs]) for name in FIGURES]


def _biases(runs, way):
    if way == "without":
        return "0"
    return f"{statistics.fmean(x['bias_standard_deviation'] for x in runs):.3g}"


def _percent(shares):
    values = [100 * share for share in shares]
    text = f"{statistics.fmean(values):.1f}"
    if len(values) == 1:
        return text
    return f"{text} ± {statistics.stdev(values):.1f}"
