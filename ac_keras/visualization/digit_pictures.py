"""Pictures of what runs attend to in Flash-MNIST."""

import os
from collections.abc import Mapping

import numpy as np

from ac_keras.pipeline import Manifest
from ac_keras.visualization.attention_comparison import ComparedAttention
from ac_keras.visualization.attention_comparison import (
    save_attention_comparison,
)
from ac_keras.visualization.digit_attention import KINDS
from ac_keras.visualization.digit_attention import DigitAttention
from ac_keras.visualization.digit_attention import FlashedClip
from ac_keras.visualization.kinds_picture import save_attended_kinds
from ac_keras.visualization.previews import FILE_NAME
from ac_keras.visualization.previews import Previews


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
