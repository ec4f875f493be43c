"""Which kinds of frames units attend to, as heat maps."""

import os
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file

MAX_NUMBERED = 16  # units, beyond which numbers would not fit their cells
_CELL, _WIDEST = 0.42, 16.0  # inches


def save_attended_kinds(
    tables: Mapping[str, np.ndarray],
    kind_names: Sequence[str],
    unit_names: Mapping[str, Sequence[str]],
    path: str | os.PathLike,
) -> None:
    """Draws tables of kinds by units, one beside the other.

    A cell is as bright as the weight is large, from black (nothing) to bright
    yellow (everything); the number in it is the weight in percent.

    Args:
        tables: Mapping from a model's name to weights from 0 to 1, floats
            `(num_kinds, num_units)` as `AttendedKinds.table` gives them. NaN
            is left white.
        kind_names: A word for each row.
        unit_names: Mapping from a model's name to a word for each column.
        path: The PNG file to write.

    Raises:
        ValueError: If there is no table, or one has other rows or columns.
    """
    if not tables:
        raise ValueError(
            "Expected a table of some model. Received: none. Give what "
            "`AttendedKinds.table` gives."
        )
    for name, table in tables.items():
        expected = len(kind_names), len(unit_names[name])
        if np.shape(table) != expected:
            raise ValueError(
                f"Expected a table of {expected} kinds and units for {name}. "
                f"Received: shape {np.shape(table)}. Give every row and every "
                "column a name."
            )
    widths = [max(_CELL * np.shape(x)[1], 2) for x in tables.values()]
    scale = min(1, _WIDEST / sum(widths))
    figure = Figure(
        figsize=(1.6 + scale * sum(widths), 1 + _CELL * len(kind_names)),
        dpi=150,
        layout="constrained",
    )
    row = figure.subplots(1, len(tables), squeeze=False, width_ratios=widths)[0]
    for axes, (name, table) in zip(row, tables.items(), strict=True):
        image = _draw(axes, np.asarray(table, float), unit_names[name])
        axes.set_title(name, fontsize=10, parse_math=False)
        axes.set_yticks(range(len(kind_names)), kind_names, fontsize=9)
    row[0].set_ylabel("frames with", fontsize=9)
    bar = figure.colorbar(image, ax=list(row), fraction=0.03, pad=0.02)
    bar.set_label("mean weight on all such frames of a clip", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png")


def _draw(axes, table, unit_names):
    image = axes.imshow(table, cmap="inferno", vmin=0, vmax=1, aspect="auto")
    num_units = table.shape[1]
    axes.set_xlabel("unit", fontsize=9)
    axes.set_xticks(range(num_units), unit_names, fontsize=9)
    axes.tick_params(length=0)
    if num_units <= MAX_NUMBERED:
        for (kind, unit), weight in np.ndenumerate(table):
            if not np.isnan(weight):
                color = "black" if weight > 0.6 else "white"
                axes.text(
                    *(unit, kind, f"{100 * weight:.0f}"),
                    color=color,
                    fontsize=8,
                    horizontalalignment="center",
                    verticalalignment="center",
                )
    else:
        axes.set_xticks([])
    return image
