"""A run's flagfile and the files of its folder, read back."""

import csv
import json

from support.programs import TRAINERS


def read_flagfile(name):
    """Returns the flags of a shipped flagfile."""
    lines = (TRAINERS / "flags" / name).read_text().splitlines()
    return dict(x[2:].split("=", 1) for x in lines if x.startswith("--"))


def read_json(run, name):
    return json.loads((run.output_dir / name).read_text())


def read_epochs(run):
    """Returns the rows of epochs.csv, all values floats."""
    with open(run.output_dir / "epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: float(x) for key, x in row.items()} for row in rows]
