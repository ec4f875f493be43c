"""Accuracy over the epochs, as in the paper's Figure 4."""

import csv
import os
from collections.abc import Mapping

from matplotlib import ticker
from matplotlib.figure import Figure

from ac_keras.pipeline import atomic_file


def save_accuracy_curves(
    logs: Mapping[str, str | os.PathLike], path: str | os.PathLike
) -> None:
    """Draws the validation accuracy of several runs into one picture.

    Args:
        logs: Mapping from a run's name to its CSV of epochs, with columns
            `epoch`, `accuracy` and `val_accuracy`.
        path: The PNG file to write.

    Raises:
        ValueError: If a CSV has no epoch or lacks a column.
    """
    figure = Figure(figsize=(7, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for name, log in logs.items():
        epochs = _read(log)
        numbers = [int(row["epoch"]) + 1 for row in epochs]
        validation = [100 * float(row["val_accuracy"]) for row in epochs]
        (line,) = axes.plot(
            numbers, validation, marker=".", label=f"{name}, validation"
        )
        axes.plot(
            numbers,
            [100 * float(row["accuracy"]) for row in epochs],
            color=line.get_color(),
            alpha=0.6,
            linestyle=":",
            label=f"{name}, training (with dropout)",
        )
    axes.set(xlabel="Epoch", ylabel="Accuracy (%)", ylim=(0, 100))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png")


def _read(log):
    with open(log, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {"epoch", "accuracy", "val_accuracy"}
    missing = wanted - set(rows[0] if rows else ())
    if missing:
        raise ValueError(
            f"Expected a CSV of epochs with the columns {sorted(wanted)}. "
            f"Received: {log} without {sorted(missing)}. A run writes it "
            "after its first epoch."
        )
    return rows
