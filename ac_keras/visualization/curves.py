"""Accuracy over the epochs, as in the paper's Figure 4."""

import csv
import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

from matplotlib import ticker
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file


def save_accuracy_curves(
    logs: Mapping[str, str | os.PathLike],
    path: str | os.PathLike,
    metric: str = "accuracy",
) -> None:
    """Draws the validation accuracy of several runs into one picture.

    Args:
        logs: Mapping from a run's name to its CSV of epochs, with columns
            `epoch`, and METRIC and `val_METRIC` for the metric that is drawn.
        path: The PNG file to write.
        metric: Any share from 0 to 1 that the runs measured, such as
            `accuracy`, `hit_at_1` or `gap`.

    Raises:
        ValueError: If a CSV has no epoch, lacks a column or has a value that
            is not a share.
    """
    figure = Figure(figsize=(7, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for name, log in logs.items():
        epochs = _read(log, metric)
        numbers = [int(row["epoch"]) + 1 for row in epochs]
        validation = _percent(epochs, f"val_{metric}", log)
        (line,) = axes.plot(
            numbers, validation, marker=".", label=f"{name}, validation"
        )
        axes.plot(
            numbers,
            _percent(epochs, metric, log),
            color=line.get_color(),
            alpha=0.6,
            linestyle=":",
            label=f"{name}, training (with dropout)",
        )
    label = metric.replace("_", " ").capitalize()
    axes.set(xlabel="Epoch", ylabel=f"{label} (%)", ylim=(0, 100))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png")


def _percent(epochs, column, log):
    values = [float(row[column]) for row in epochs]
    wrong = [value for value in values if value < 0 or value > 1]
    if wrong:
        raise ValueError(
            f"Expected a metric from 0 to 1. Received: {column}={wrong[0]} in "
            f"{log}. Name another metric, such as accuracy."
        )
    return [100 * value for value in values]


def _read(log, metric):
    with open(log, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {"epoch", metric, f"val_{metric}"}
    missing = wanted - set(rows[0] if rows else ())
    if missing:
        raise ValueError(
            f"Expected a CSV of epochs with the columns {sorted(wanted)}. "
            f"Received: {log} without {sorted(missing)}. A run writes it "
            "after its first epoch, for every metric that it measures."
        )
    return rows


def name_runs(folders: Sequence[str | os.PathLike]) -> dict[str, pathlib.Path]:
    """Gives every run the shortest end of its path that no other run has.

    Args:
        folders: The runs' output folders.

    Returns:
        A dict from names to absolute paths, in the given order.

    Raises:
        ValueError: If a folder is named twice.
    """
    paths = [pathlib.Path(os.path.abspath(folder)) for folder in folders]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "Expected --runs to name each folder once. Received: "
            f"{','.join(map(str, folders))}. Leave out the repeated one."
        )
    length = 1
    while len({path.parts[-length:] for path in paths}) < len(paths):
        length += 1
    return {"/".join(path.parts[-length:]): path for path in paths}
