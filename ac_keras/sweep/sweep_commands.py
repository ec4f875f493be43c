"""The commands that train a sweep's cells."""

import shlex
import textwrap
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ac_keras.sweep.cell_statistics import CellStatistics
from ac_keras.sweep.setting_texts import numbers_text

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
        " ".join(["python trainers/sweep.py", *words]),
        _WIDTH,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(lines)


def _list(numbers):
    return numbers_text(numbers).replace(" ", "")
