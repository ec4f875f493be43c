"""Trains the cells of Table 1 on Flash-MNIST.

    python trainers/flash_mnist/sweep.py --data_dir=records/flash_mnist \
        --output_dir=runs/table_1

trains all 40 cells: average, FC1 and FC2, FC1 and FC2 with shifting, of 1 to
128 units. `--families`, `--num_units` and `--seeds` select others. Several
cells are trained at a time, each in one thread. The folder of a cell receives
its settings, curve, model and result. The same command resumes a sweep that was
stopped or killed, from the last epoch of each cell. Then
`trainers/flash_mnist/table_1_report.py` makes tables and plots.
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
from ac_keras.utils.deprecated_flags import define_deprecated_flag
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
    "output_dir", None, "Output folder of all cells.", required=True
)
_FAMILIES = flags.DEFINE_list(
    "families", list(FAMILIES), "Columns of the table to train."
)
_NUM_UNITS = flags.DEFINE_list(
    "num_units",
    [str(x) for x in NUM_UNITS],
    "Rows of the table to train: numbers of attention units.",
)
_SEEDS = flags.DEFINE_list(
    "seeds", ["0"], "Seeds that every cell is trained from."
)
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    "tuned",
    list(PROTOCOLS),
    "Training settings: chosen on the validation split, or those of the paper.",
)
_WORKERS = flags.DEFINE_integer(
    "workers",
    os.cpu_count(),
    "Number of cells trained at a time. Each needs a core and up to 3 GB of "
    "memory.",
    lower_bound=1,
)
_STUDY = flags.DEFINE_string(
    "study",
    None,
    "Name and folder of a study, which changes settings of --protocol by the "
    "flags below.",
)
_OVERRIDES = {
    "epochs": flags.DEFINE_integer(
        "epochs", None, "Number of epochs.", lower_bound=1
    ),
    "batch_size": flags.DEFINE_integer(
        "batch_size", None, "Number of clips in a training step.", lower_bound=1
    ),
    "learning_rate": flags.DEFINE_float(
        "learning_rate", None, "Peak learning rate of Adam.", lower_bound=0
    ),
    "classifier_rate": flags.DEFINE_float(
        "classifier_lr_multiplier",
        None,
        "Factor of the classifier's learning rate.",
        lower_bound=0,
    ),
    "schedule": flags.DEFINE_enum(
        "schedule",
        None,
        ["constant", "cosine"],
        "Schedule of the learning rate.",
    ),
    "dropout": flags.DEFINE_float(
        "dropout",
        None,
        "Dropout rate before the classifier.",
        lower_bound=0,
        upper_bound=1,
    ),
    "alpha_initializer": flags.DEFINE_string(
        "alpha_initializer",
        None,
        "Initializer of the shift's scale alpha (Eq. 7), as in train.py.",
    ),
    "beta_initializer": flags.DEFINE_string(
        "beta_initializer",
        None,
        "Initializer of the shift's offset beta (Eq. 7), as in train.py.",
    ),
}
define_deprecated_flag("classifier_rate", _OVERRIDES["classifier_rate"])


def chosen_protocol(cell: Cell) -> Protocol:
    """Returns the protocol of a cell, with the changes of the study."""
    protocol = choose_protocol(_PROTOCOL.value, cell)
    return dataclasses.replace(protocol, **overrides())


def overrides() -> dict:
    """Returns the settings that flags change."""
    return {
        name: flag.value
        for name, flag in _OVERRIDES.items()
        if flag.value is not None
    }


def check_flags() -> list[Cell]:
    """Checks the flags and returns the cells to train.

    Raises:
        ValueError: If the value of a flag is invalid.
    """
    name = _STUDY.value
    is_folder = not name or pathlib.Path("x", name).resolve().name == name
    is_free = name not in PROTOCOLS and is_folder
    if bool(name) != bool(overrides()) or not is_free:
        raise ValueError(
            "Expected --study=NAME together with flags that change settings. "
            f"Received: study={name!r}, changes={overrides()}. NAME must be "
            f"valid as a folder's name and not be {' or '.join(PROTOCOLS)}."
        )
    for setting in ("alpha_initializer", "beta_initializer"):
        if setting in overrides():
            training.parse_initializer(overrides()[setting])  # or raises
    return parse_cells(_FAMILIES.value, _NUM_UNITS.value, _SEEDS.value)


class Progress:
    """Prints the result of each cell and the estimated remaining time.

    Args:
        costs: Mapping from cell to its amount of work, in any unit.
        root: Folder of the cells.
    """

    def __init__(self, costs: dict[Cell, float], root: pathlib.Path):
        self.costs, self.root = dict(costs), root
        self.total = len(costs)
        self.done = self.cost_done = 0
        self.start = time.monotonic()

    def end(self, cell: Cell, state: str) -> None:
        """Prints a line for a cell that ended."""
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
    """Lists the cells to train with their protocols.

    They are ordered by seed, and the longest of a seed comes first.

    Raises:
        ValueError: If a folder holds a cell that was trained with other
            settings or on another dataset.
    """
    jobs = []
    for cell in cells:
        protocol, folder = chosen_protocol(cell), cell.folder(root)
        run_folder.check(folder, settings_of(cell, protocol), manifest)
        if not (folder / run_folder.RESULT).is_file():
            jobs.append((cell, protocol))
    return sorted(jobs, key=lambda job: (job[0].seed, -cost_of(*job, manifest)))


def cost_of(cell: Cell, protocol: Protocol, manifest: Manifest) -> float:
    """Estimates the training time of a cell, in any unit."""
    # As measured, softmax and reading cost as much as products of four units.
    rest = Cell("fc1", 4)
    flops = count_flops(cell, protocol, manifest)
    flops += count_flops(rest, protocol, manifest)
    return protocol.epochs * flops


def note_sitting(root: pathlib.Path, seconds: float, cells: int) -> None:
    """Adds this run of the program to `sittings.json`."""
    path = root / SITTINGS
    root.mkdir(parents=True, exist_ok=True)  # No cell may have started.
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
        sys.exit("Not all cells are done. The same command resumes the sweep.")
    print(f"All cells are in {root}")


if __name__ == "__main__":
    app.run(main)
