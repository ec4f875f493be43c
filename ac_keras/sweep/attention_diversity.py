"""What units attend to in Flash-MNIST, beside a sweep."""

import pathlib
import statistics
from collections.abc import Mapping

from ac_keras.sweep import result_checks
from ac_keras.sweep.results_table import NONE
from ac_keras.sweep.results_table import markdown_table

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
DIGITS = tuple(map(str, range(10)))
EMPTY = "none"  # frames without a digit
_HEAT_MAP = "Weight of each unit on the frames with each digit"
_TEXT = """\
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
    """Reads what `trainers/attention_diversity.py` wrote.

    Returns:
        Mapping from a run's name to its numbers.

    Raises:
        ValueError: If the file is something else.
    """
    runs = result_checks.read_mapping(path, {})
    for name, run in runs.items():
        result_checks.check_mapping(run, KEYS, f"{path}, run {name}")
        if not _fits(run):
            raise ValueError(
                "Expected a favourite digit or null for each unit, weights "
                f"from 0 to 1 for {', '.join(DIGITS)} and {EMPTY}, one a "
                f"unit, and as many even ones. Received: {path}, run {name}, "
                "with others. Make it with trainers/attention_diversity.py."
            )
    if not runs:
        raise ValueError(
            f"Expected a run or more. Received: {path} with none. Make it "
            "with trainers/attention_diversity.py."
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
        _TEXT,
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
    rows = [table.get(kind) for kind in (*DIGITS, EMPTY)]
    even = [[run["even_weights"].get(kind, -1)] for kind in (*DIGITS, EMPTY)]
    return (
        size > 0
        and len(run["favourites"]) == size
        and all(x is None or str(x) in DIGITS for x in run["favourites"])
        and all(isinstance(row, list) and len(row) == size for row in rows)
        and all(
            x is None or result_checks.is_share(x)
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
    rows = [[x or 0.0 for x in run["weights"][kind]] for kind in DIGITS]
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
    for kind in (*DIGITS, EMPTY):
        row = run["weights"][kind]
        texts = [_percent(row[unit]) for unit in units]
        rows.append([kind, *texts, _percent(run["even_weights"][kind])])
    return markdown_table(["frames with", *header, "even weights"], rows, 1)


def _percent(share):
    return NONE if share is None else f"{100 * share:.0f}"
