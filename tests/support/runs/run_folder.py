"""What train.py leaves in a run's folder, read back."""

import csv
import json


def read_json(run, name):
    return json.loads((run.output_dir / name).read_text())


def read_epochs(run):
    """The rows of epochs.csv, all values floats."""
    with open(run.output_dir / "epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: float(x) for key, x in row.items()} for row in rows]


def best_epoch(epochs):
    """The first of those with the highest validation accuracy."""
    return max(epochs, key=lambda row: row["val_accuracy"])
