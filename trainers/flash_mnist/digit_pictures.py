"""Pictures of what runs attend to in Flash-MNIST."""

import dataclasses
import os
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ac_keras.pipeline import Manifest
from ac_keras.utils import atomic_file
from ac_keras.visualization.attention_maps import clip_grid
from ac_keras.visualization.previews import FILE_NAME
from ac_keras.visualization.previews import Previews
from digit_attention import KINDS
from digit_attention import DigitAttention
from digit_attention import FlashedClip


@dataclasses.dataclass(frozen=True)
class ComparedAttention:
    """A model's attention to some clips.

    Attributes:
        scores: Floats `(num_clips, num_units, num_frames)`, summing up to 1
            over the frames.
        unit_names: A word for each unit, left of its row.
        titles: A line for each clip.
    """

    scores: np.ndarray
    unit_names: Sequence[str]
    titles: Sequence[str]


def save_attention_comparison(
    images: np.ndarray,
    frame_names: Sequence[Sequence[str]],
    models: Mapping[str, ComparedAttention],
    path: str | os.PathLike,
) -> None:
    """Draws clips in rows and models in columns.

    Each map is one of `save_attention_maps`, with words over the frames.

    Args:
        images: uint8 `(num_clips, num_frames, height, width)`.
        frame_names: For each clip a word for each frame; it may be empty.
        models: Mapping from a model's name to its attention.
        path: The PNG file to write.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    images = np.asarray(images)
    _check(images, frame_names, models)
    num_clips, num_frames, height, width = images.shape
    rows = 1 + max(x.scores.shape[1] for x in models.values())
    aspect = rows * height / (num_frames * width)
    figure = Figure(
        # Names of units take a part of the width.
        figsize=(7 * len(models), 0.3 + num_clips * (6.3 * aspect + 0.5)),
        dpi=150,
        layout="constrained",
    )
    grid = figure.subplots(num_clips, len(models), squeeze=False)
    for column, (name, model) in enumerate(models.items()):
        for clip, axes in enumerate(grid[:, column]):
            _draw_of_attention_comparison(
                axes, images[clip], model.scores[clip], model.unit_names
            )
            axes.set_xticks(
                [(frame + 0.5) * width for frame in range(num_frames)],
                frame_names[clip],
                fontsize=8,
            )
            head = f"{name}\n" if clip == 0 else ""
            axes.set_title(
                head + model.titles[clip],
                fontsize=9,
                loc="left",
                parse_math=False,
            )
    with atomic_file.atomic_path(path) as partial:
        figure.savefig(partial, format="png")


def _draw_of_attention_comparison(axes, images, scores, unit_names):
    height = images.shape[1]
    axes.imshow(
        clip_grid(images, scores), interpolation="nearest", aspect="equal"
    )
    axes.set_yticks(
        [(row + 1.5) * height for row in range(len(unit_names))],
        unit_names,
        fontsize=7,
    )
    axes.tick_params(length=0)
    axes.tick_params(
        axis="x", pad=1, top=True, labeltop=True, labelbottom=False
    )
    axes.spines[:].set_visible(False)
    axes.set_anchor("NW")  # so that images are level, whatever the units


def _check(images, frame_names, models):
    names = [len(names) for names in frame_names]
    wrong = [
        f"{name}: scores {np.shape(x.scores)}, {len(x.unit_names)} unit names "
        f"and {len(x.titles)} titles"
        for name, x in models.items()
        if np.shape(x.scores)
        != (len(images), len(x.unit_names), *images.shape[1:2])
        or len(x.titles) != len(images)
    ]
    if images.ndim != 4 or not models or wrong:
        raise ValueError(
            "Expected images (num_clips, num_frames, height, width) and, of "
            "each model, scores (num_clips, num_units, num_frames), names of "
            f"the units and titles of the clips. Received: images "
            f"{images.shape}; {'; '.join(wrong) or 'no model'}. Give all of "
            "the same clips."
        )
    if names != [images.shape[1]] * len(images):
        raise ValueError(
            f"Expected a name for each of {images.shape[:2]} frames. Received: "
            f"{names} names. Give empty ones to frames that have none."
        )


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


def save_attended_digits(
    runs: Mapping[str, DigitAttention], path: str | os.PathLike
) -> None:
    """Draws how much weight units put on each digit, run beside run.

    Units are in the order of their favourite digits.

    Args:
        runs: Mapping from a run's name to what was measured.
        path: The PNG file to write.
    """
    save_attended_kinds(
        {name: found.table[:, found.order] for name, found in runs.items()},
        KINDS,
        {
            name: [str(unit + 1) for unit in found.order]
            for name, found in runs.items()
        },
        path,
    )


def save_flashed_clips(
    runs: Mapping[str, DigitAttention],
    manifest: Manifest,
    path: str | os.PathLike,
    max_units: int = 16,
) -> bool:
    """Draws the first clips with the attention of all runs, side by side.

    The digits of a frame stand above it, a unit's favourite digit beside its
    name. Units are in the order of these.

    Args:
        runs: Mapping from a run's name to what was measured.
        manifest: Flash-MNIST; clips are drawn whose images it keeps.
        path: The PNG file to write.
        max_units: How many units to draw, at most; the first in order.

    Returns:
        Whether there was anything to draw.
    """
    images = Previews(manifest.directory / FILE_NAME)
    some = next(iter(runs.values()))
    found_images = [
        images.of_clip(clip.id, some.modality, len(clip.digits))
        for clip in some.first
    ]
    drawn = [row for row, x in enumerate(found_images) if x is not None]
    if not drawn:
        return False
    names = manifest.description.class_names
    save_attention_comparison(
        np.stack([found_images[row] for row in drawn]),
        [_frame_names(some.first[row]) for row in drawn],
        {
            name: ComparedAttention(
                np.stack(
                    [
                        found.first[row].scores[found.order[:max_units]]
                        for row in drawn
                    ]
                ),
                found.unit_names[:max_units],
                [_title(found.first[row], names) for row in drawn],
            )
            for name, found in runs.items()
        },
        path,
    )
    return True


def _frame_names(clip: FlashedClip):
    return [" ".join(map(str, np.flatnonzero(row))) for row in clip.digits]


def _title(clip: FlashedClip, class_names):
    label, guess = class_names[clip.label], class_names[clip.guess]
    return f"{clip.id}: is {label}, taken for {guess}"
