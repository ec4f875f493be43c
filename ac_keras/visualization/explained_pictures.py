"""What a modality's units have seen or heard, above their attention."""

import numpy as np
from matplotlib.patches import Rectangle

from ac_keras.visualization.attention_strip import NO_FRAME
from ac_keras.visualization.explained_modality import FLOW
from ac_keras.visualization.explained_modality import ExplainedModality
from ac_keras.visualization.flow_colors import color_wheel
from ac_keras.visualization.flow_colors import flow_colors
from ac_keras.visualization.page_blocks import INNER_WIDTH
from ac_keras.visualization.page_blocks import Block

MAX_PICTURES = 10
_MAX_HEIGHT = 1.5  # inches
_LINES = 0.18  # inches, of the lines from pictures to their times
_GAP = 0.04  # inches between pictures
_BANDS_HEIGHT = 1.3  # inches
_LEAST_PEAK = 0.5  # pixels a frame; what is slower looks nearly still
_PERCENTILE = 99.0


def choose_pictures(num_frames: int) -> np.ndarray:
    """Chooses frames at equal intervals, all if there are few enough."""
    count = min(num_frames, MAX_PICTURES)
    return (2 * np.arange(count) + 1) * num_frames // (2 * max(count, 1))


def picture_row(
    modality: ExplainedModality, extent: tuple[float, float]
) -> Block:
    """Draws images, or flow, in a row, with lines down to their times.

    Args:
        modality: Of images or flow, and with a frame.
        extent: Seconds at which the axis of time below begins and ends.
    """
    chosen = choose_pictures(len(modality.picture))
    pictures = modality.picture[chosen]
    if modality.kind == FLOW:
        pictures = flow_colors(pictures, flow_peak(modality.picture))
    moments = np.mean(modality.spans, axis=1)[chosen]
    start, end = extent
    places = (moments - start) / (end - start) * INNER_WIDTH
    slot = INNER_WIDTH / len(pictures)
    scale = min(
        (slot - _GAP) / pictures.shape[2], _MAX_HEIGHT / pictures.shape[1]
    )
    height, width = scale * pictures.shape[1], scale * pictures.shape[2]

    def draw(axes):
        axes.set_axis_off()
        for index, (picture, place) in enumerate(
            zip(pictures, places, strict=True)
        ):
            middle = (index + 0.5) * slot
            sides = (middle - width / 2, middle + width / 2)
            box = (*sides, _LINES, _LINES + height)
            axes.imshow(picture, extent=box, aspect="auto")
            axes.add_patch(
                Rectangle(
                    (sides[0], _LINES), width, height, fill=False, color="0.6"
                )
            )
            axes.plot((middle, place), (_LINES, 0), color="0.6", linewidth=0.8)
        axes.set(xlim=(0, INNER_WIDTH), ylim=(0, _LINES + height))
        if modality.kind == FLOW:
            _draw_wheel(axes, height)

    return Block(height + _LINES, draw, 0.0)


def flow_peak(flow: np.ndarray) -> float:
    """The speed that a full colour stands for."""
    speed = np.hypot(flow[..., 0], flow[..., 1])
    return max(float(np.percentile(speed, _PERCENTILE)), _LEAST_PEAK)


def spectrogram(
    modality: ExplainedModality, extent: tuple[float, float]
) -> Block:
    """Draws bands over time, the louder the darker.

    Args:
        modality: Of bands, and with a frame.
        extent: Seconds at which the axis of time below begins and ends.
    """

    def draw(axes):
        num_bands = modality.picture.shape[1]
        axes.imshow(
            np.ma.masked_invalid(modality.picture.T),
            cmap="Greys",
            origin="lower",
            aspect="auto",
            extent=(*modality.picture_span, 0.5, num_bands + 0.5),
        )
        axes.set_facecolor(NO_FRAME)
        axes.set_xlim(extent)
        axes.set_ylabel("mel band", fontsize=8)
        axes.set_yticks([1, num_bands], ["1", str(num_bands)], fontsize=7)
        axes.tick_params(axis="x", labelbottom=False)

    return Block(_BANDS_HEIGHT, draw, 0.06)


def _draw_wheel(axes, height):
    """Tells the colours' directions, in the margin at the left."""
    side = min(0.6, height)
    inset = axes.inset_axes(
        (-0.15 - side, _LINES + (height - side) / 2, side, side),
        transform=axes.transData,
    )
    inset.set_axis_off()
    inset.imshow(color_wheel(60))
