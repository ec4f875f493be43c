"""One clip: what it was taken for, and what was attended to when."""

import os
from collections.abc import Sequence

from ac_keras.visualization import explained_modality
from ac_keras.visualization import panels
from ac_keras.visualization.explained_modality import BANDS
from ac_keras.visualization.explained_modality import FLOW
from ac_keras.visualization.explained_modality import ExplainedModality
from ac_keras.visualization.panels import INNER_WIDTH
from ac_keras.visualization.panels import Block
from ac_keras.visualization.panels import plain
from ac_keras.visualization.panels import save_blocks
from ac_keras.visualization.panels import text_block

MAX_CLASSES = 5
MAX_TITLE, MAX_NAME = 72, 48  # letters
_LETTER_WIDTH = 0.085  # inches, of a class's name
_NUMBER_WIDTH = 0.7  # inches, of a probability behind the longest bar
_BAR = "#4c78a8"
_UNIT_HEIGHT, _MEAN_HEIGHT, _LEAST_HEIGHT = 0.15, 0.2, 0.2  # inches


def save_clip_explanation(
    title: str,
    predictions: Sequence[tuple[str, float]],
    modalities: Sequence[ExplainedModality],
    path: str | os.PathLike,
) -> None:
    """Draws what a clip was taken for and where the answer comes from.

    Under the most probable classes each modality has what it was made of, a
    row of frames or a spectrogram, and below it the attention of its units, all
    on the same axis of time. Of more than 16 units their mean is drawn, and the
    12 whose weights are the least even.

    Args:
        title: The clip's name.
        predictions: Pairs of a class's name and its probability, best first;
            the first five are drawn.
        modalities: What to draw, from top to bottom.
        path: The PNG file to write.
    """
    extents = [x.extent for x in modalities if not x.is_absent]
    start = min((start for start, _ in extents), default=0.0)
    end = max((end for _, end in extents), default=start)
    extent = (start, end if end > start else start + 1.0)
    blocks = [
        text_block(_shortened(title, MAX_TITLE), 0.3, fontsize=13),
        _class_bars(predictions[:MAX_CLASSES]),
    ]
    for modality in modalities:
        blocks += _section(modality, extent)
    blocks += [
        text_block(line, 0.2, fontsize=8, color="0.35")
        for line in _legend(modalities)
    ]
    save_blocks(blocks, path)


def _class_bars(predictions):
    names = [_shortened(name, MAX_NAME) for name, _ in predictions]
    names_end = _LETTER_WIDTH * max(map(len, names), default=0) + 0.1
    longest = INNER_WIDTH - names_end - _NUMBER_WIDTH

    def draw(axes):
        axes.set_axis_off()
        axes.set(xlim=(0, INNER_WIDTH), ylim=(len(predictions), 0))
        for row, (name, (_, score)) in enumerate(
            zip(names, predictions, strict=True)
        ):
            middle = row + 0.5
            axes.text(
                names_end - 0.1,
                middle,
                name,
                ha="right",
                va="center",
                fontsize=9,
                parse_math=False,
            )
            axes.barh(middle, score * longest, 0.6, names_end, color=_BAR)
            axes.text(
                names_end + score * longest + 0.08,
                middle,
                f"{100 * score:.1f} %",
                va="center",
                fontsize=9,
            )

    return Block(0.22 * len(predictions), draw, 0.2)


def _section(modality, extent):
    """Gives the blocks of a modality."""
    if modality.is_absent:
        text = f"{modality.name}: absent from the file"
        return [text_block(text, 0.25, fontsize=10, color="0.35")]
    shown = panels.choose_units(modality.attention)
    blocks = [text_block(_heading(modality, shown), 0.25, fontsize=10)]
    if modality.kind == BANDS:
        blocks.append(explained_modality.spectrogram(modality, extent))
    else:
        blocks.append(explained_modality.picture_row(modality, extent))
    if shown.mean is not None:
        blocks.append(_mean_row(modality, shown.mean, extent))
    return [*blocks, _unit_rows(modality, shown, extent)]


def _heading(modality, shown):
    num_units, num_frames = modality.attention.shape
    text = f"{modality.name}: {_count(num_frames, 'frame')}, "
    text += _count(num_units, "unit")
    if shown.mean is not None:
        text += f", here their mean and the {len(shown.units)} most decided"
    largest = f"{shown.weights.max():.2g} (even: {1 / num_frames:.2g})"
    return f"{text}, largest weight {largest}"


def _legend(modalities):
    """Gives the lines that tell what colours mean."""
    yield (
        "Attention: a row for each unit, over time; black is nothing, yellow "
        "the largest weight, gray no frame."
    )
    for modality in modalities:
        if modality.kind == FLOW and not modality.is_absent:
            peak = explained_modality.flow_peak(modality.picture)
            yield (
                f"{modality.name.capitalize()}: the hue is the direction, "
                f"white is still, full colour {peak:.1f} pixels a frame."
            )


def _mean_row(modality, mean, extent):
    def draw(axes):
        names = [f"mean, to {mean.max():.2g}"]
        panels.draw_strip(axes, mean, modality.spans, extent, names)
        axes.tick_params(axis="x", labelbottom=False)

    return Block(_MEAN_HEIGHT, draw, 0.06)


def _unit_rows(modality, shown, extent):
    def draw(axes):
        names = [f"unit {unit + 1}" for unit in shown.units]
        panels.draw_strip(axes, shown.weights, modality.spans, extent, names)
        axes.set_xlabel("seconds", fontsize=8, labelpad=1)

    height = max(_UNIT_HEIGHT * len(shown.units), _LEAST_HEIGHT)
    return Block(height, draw, 0.5)


def _count(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shortened(text, length):
    """Leaves out the middle: names of files differ at their ends."""
    text = plain(text)
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"
