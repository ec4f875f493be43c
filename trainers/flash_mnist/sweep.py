"""Trains the cells of Table 1 on Flash-MNIST.

    python trainers/flash_mnist/sweep.py --data_dir=records/flash_mnist \
        --output_dir=runs/table_1

trains all 40: average, FC1 and FC2, with and without shifting, of 1 to 128
units. `--families`, `--num_units` and `--seeds` choose others. Several cells
are trained side by side, each in one thread. A cell's folder receives its
settings, curve, model and result. The same command goes on with a sweep that
was stopped or killed, epoch by epoch. `trainers/flash_mnist/table_1_report.py` then makes
the tables and pictures.
"""

import dataclasses
import os
import pathlib
import sys
import time

from absl import app
from absl import flags

from ac_keras import runs
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.runs import folder as run_folder
from cells import FAMILIES
from cells import NUM_UNITS
from cells import PROTOCOLS
from cells import Cell
from cells import Protocol
from cells import choose_protocol
from cells import parse_cells
from train_cell import SITTINGS
from train_cell import count_flops
from train_cell import settings_of
from workers import LOG
from workers import run_cells

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of all cells.", required=True
)
_FAMILIES = flags.DEFINE_list(
    "families", list(FAMILIES), "Columns of the table."
)
_NUM_UNITS = flags.DEFINE_list(
    "num_units", [str(x) for x in NUM_UNITS], "Rows of the table."
)
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds to train every cell with.")
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    "tuned",
    list(PROTOCOLS),
    "How to train: as was chosen on the validation split, or in the words of "
    "the paper.",
)
_WORKERS = flags.DEFINE_integer(
    "workers",
    os.cpu_count(),
    "Cells at a time. Each takes a core and up to 3 GB.",
    lower_bound=1,
)
# To find out what matters; each has a folder of its own.
_STUDY = flags.DEFINE_string(
    "study", None, "Name of a protocol that the flags below make of --protocol."
)
_OVERRIDES = {
    "epochs": flags.DEFINE_integer("epochs", None, "Epochs.", lower_bound=1),
    "batch_size": flags.DEFINE_integer(
        "batch_size", None, "Clips in a step.", lower_bound=1
    ),
    "learning_rate": flags.DEFINE_float(
        "learning_rate", None, "Adam's, the highest.", lower_bound=0
    ),
    "classifier_rate": flags.DEFINE_float(
        "classifier_rate",
        None,
        "What the classifier's rate is multiplied by.",
        lower_bound=0,
    ),
    "schedule": flags.DEFINE_enum(
        "schedule", None, ["constant", "cosine"], "Of the learning rate."
    ),
    "dropout": flags.DEFINE_float(
        "dropout", None, "Before the classifier.", lower_bound=0, upper_bound=1
    ),
    "alpha_initializer": flags.DEFINE_string(
        "alpha_initializer", None, "Of the shift's scales; see train.py."
    ),
    "beta_initializer": flags.DEFINE_string(
        "beta_initializer", None, "Of the shift's shifts; see train.py."
    ),
}


def chosen_protocol(cell: Cell) -> Protocol:
    """Gives what the flags make of a cell's protocol."""
    protocol = choose_protocol(_PROTOCOL.value, cell)
    return dataclasses.replace(protocol, **overrides())


def overrides() -> dict:
    """Gives the settings that flags change."""
    return {
        name: flag.value
        for name, flag in _OVERRIDES.items()
        if flag.value is not None
    }


def check_flags() -> list[Cell]:
    """Gives the cells that the flags name.

    Raises:
        ValueError: If a flag does not fit, or the others.
    """
    name = _STUDY.value
    is_folder = not name or pathlib.Path("x", name).resolve().name == name
    is_free = name not in PROTOCOLS and is_folder
    if bool(name) != bool(overrides()) or not is_free:
        raise ValueError(
            "Expected --study=NAME with flags that change the protocol, and "
            f"only there. Received: study={name!r}, changes={overrides()}. "
            "The name is a folder's, and no protocol's, "
            f"{' or '.join(PROTOCOLS)}."
        )
    for setting in ("alpha_initializer", "beta_initializer"):
        if setting in overrides():
            training.parse_initializer(overrides()[setting])  # or raises
    return parse_cells(_FAMILIES.value, _NUM_UNITS.value, _SEEDS.value)


class Progress:
    """Tells after each cell what came out and how long the rest takes.

    Args:
        costs: Mapping from cell to its share of the work, in any unit.
        root: Folder of the cells.
    """

    def __init__(self, costs: dict[Cell, float], root: pathlib.Path):
        self.costs, self.root = dict(costs), root
        self.total = len(costs)
        self.done = self.cost_done = 0
        self.start = time.monotonic()

    def end(self, cell: Cell, state: str) -> None:
        """Prints a line about a cell."""
        folder = cell.folder(self.root)
        if state != "done":
            print(f"{cell}: {state}, see {folder / LOG}", flush=True)
            return
        result = run_folder.read_json(folder / run_folder.RESULT)
        self.done += 1
        self.cost_done += self.costs.pop(cell)
        seconds = time.monotonic() - self.start
        left = seconds / self.cost_done * sum(self.costs.values())
        print(
            f"{cell}: validation {100 * result['validation_accuracy']:.2f} %, "
            f"test {100 * result['test_accuracy']:.2f} %, "
            f"{runs.duration(result['training_seconds'])}; "
            f"{self.done} of {self.total} cells, about "
            f"{runs.duration(left)} left",
            flush=True,
        )


def unfinished(
    cells: list[Cell], manifest: Manifest, root: pathlib.Path
) -> list[tuple[Cell, Protocol]]:
    """Lists what is still to be trained, the longest of a seed first.

    Raises:
        ValueError: If a folder holds a cell that was trained otherwise, or
            on another dataset.
    """
    jobs = []
    for cell in cells:
        protocol, folder = chosen_protocol(cell), cell.folder(root)
        run_folder.check(folder, settings_of(cell, protocol), manifest)
        if not (folder / run_folder.RESULT).is_file():
            jobs.append((cell, protocol))
    return sorted(jobs, key=lambda job: (job[0].seed, -cost_of(*job, manifest)))


def cost_of(cell: Cell, protocol: Protocol, manifest: Manifest) -> float:
    """Estimates the time that a cell takes, in any unit."""
    # Measured: softmax and reading cost as much as four units' products.
    rest = Cell("fc1", 4)
    flops = count_flops(cell, protocol, manifest)
    flops += count_flops(rest, protocol, manifest)
    return protocol.epochs * flops


def note_sitting(root: pathlib.Path, seconds: float, cells: int) -> None:
    """Adds a sitting to the sweep's diary."""
    path = root / SITTINGS
    root.mkdir(parents=True, exist_ok=True)  # Cells may have been too early.
    sittings = run_folder.read_json(path) if path.is_file() else []
    sittings.append(
        {
            "seconds": round(seconds, 1),
            "cells": cells,
            "workers": _WORKERS.value,
            "seeds": _SEEDS.value,
        }
    )
    run_folder.write_json(path, sittings)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    root = pathlib.Path(_OUTPUT_DIR.value) / (_STUDY.value or _PROTOCOL.value)
    data_dir = pathlib.Path(_DATA_DIR.value)
    try:
        manifest = Manifest.load(data_dir)
        cells = check_flags()
        jobs = unfinished(cells, manifest, root)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    num_done = len(cells) - len(jobs)
    print(f"{num_done} of {len(cells)} cells are done.", flush=True)
    progress = Progress({job[0]: cost_of(*job, manifest) for job in jobs}, root)
    all_done = run_cells(jobs, data_dir, root, _WORKERS.value, progress.end)
    if jobs:
        seconds = time.monotonic() - progress.start
        note_sitting(root, seconds, progress.done)
        print(f"{runs.duration(seconds)} in all")
    if not all_done:
        sys.exit("Not all cells are done. The same command goes on.")
    print(f"All cells are in {root}")


if __name__ == "__main__":
    app.run(main)
