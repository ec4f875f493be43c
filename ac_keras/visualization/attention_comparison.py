"""What several models attend to in the same clips, side by side."""

import dataclasses
import os
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ac_keras.utils import atomic_file
from ac_keras.visualization.attention_maps import clip_grid


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
            _draw(axes, images[clip], model.scores[clip], model.unit_names)
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


def _draw(axes, images, scores, unit_names):
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
