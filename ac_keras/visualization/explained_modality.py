"""What a picture of a clip shows of one modality."""

import dataclasses

import numpy as np
from matplotlib import colors
from matplotlib.patches import Rectangle

from ac_keras.visualization.panels import INNER_WIDTH
from ac_keras.visualization.panels import NO_FRAME
from ac_keras.visualization.panels import Block

IMAGES, FLOW, BANDS = "images", "flow", "bands"
PICTURE_AXES = {
    IMAGES: "(num_frames, height, width, 3)",
    FLOW: "(num_frames, height, width, 2)",
    BANDS: "(num_steps, num_bands)",
}


@dataclasses.dataclass(frozen=True)
class ExplainedModality:
    """What the units of a modality attended to in a clip.

    Attributes:
        name: The modality's name.
        attention: The units' weights, floats `(num_units, num_frames)`; no
            frames where the modality is absent.
        spans: Seconds at which the part of the clip begins and ends that each
            frame stands for, ascending floats `(num_frames, 2)`.
        kind: What `picture` is: `"images"`, uint8 `(num_frames, height, width,
            3)`; `"flow"`, floats `(num_frames, height, width, 2)`, pixels to
            the right and downwards; or `"bands"`, a spectrogram, floats
            `(num_steps, num_bands)`, NaN where nothing is known.
        picture: That array; None where the modality is absent.
        picture_span: Seconds at which a spectrogram begins and ends.

    Raises:
        ValueError: If the shapes do not fit each other.
    """

    name: str
    attention: np.ndarray
    spans: np.ndarray
    kind: str
    picture: np.ndarray | None = None
    picture_span: tuple[float, float] | None = None

    def __post_init__(self):
        attention, spans = np.shape(self.attention), np.shape(self.spans)
        fits = (
            self.kind in PICTURE_AXES
            and len(attention) == 2
            and spans == (attention[1], 2)
            and np.all(np.diff(self.spans) >= 0)
            and (self.is_absent or self._fits(attention[1]))
        )
        if not fits:
            axes = PICTURE_AXES.get(self.kind, "of images, flow or bands")
            raise ValueError(
                "ExplainedModality expects attention (num_units, num_frames), "
                f"spans (num_frames, 2) and a picture {axes}, a spectrogram "
                f"with its picture_span. Received: kind={self.kind!r}, "
                f"attention {attention}, spans {spans}, picture "
                f"{np.shape(self.picture)}, picture_span={self.picture_span}. "
                "Take one clip out of a batch."
            )

    def _fits(self, num_frames):
        shape = np.shape(self.picture)
        if self.kind == BANDS:
            return len(shape) == 2 and self.picture_span is not None
        channels = 3 if self.kind == IMAGES else 2
        ends = (shape[:1], shape[-1:])
        return len(shape) == 4 and ends == ((num_frames,), (channels,))

    @property
    def is_absent(self) -> bool:
        """Whether the clip has nothing of it."""
        return not np.shape(self.attention)[1]

    @property
    def extent(self) -> tuple[float, float]:
        """Seconds at which all that is drawn begins and ends."""
        first, last = float(self.spans[0][0]), float(self.spans[-1][1])
        start, end = self.picture_span or (first, last)
        return min(first, start), max(last, end)


def flow_colors(flow: np.ndarray, peak: float) -> np.ndarray:
    """Turns motion into colours: its direction the hue, its speed how full.

    Args:
        flow: Floats `(..., 2)`, to the right and downwards.
        peak: The speed of a full colour, in the flow's unit; faster motion
            looks the same. White is still.

    Returns:
        Red, green and blue from 0 to 1, `(..., 3)`.
    """
    x, y = flow[..., 0], flow[..., 1]
    hue = (np.arctan2(y, x) / (2 * np.pi)) % 1.0
    fullness = np.clip(np.hypot(x, y) / peak, 0, 1)
    return colors.hsv_to_rgb(
        np.stack([hue, fullness, np.ones_like(hue)], axis=-1)
    )


def color_wheel(side: int) -> np.ndarray:
    """Draws the colours of all motions, still in the middle.

    Args:
        side: Of the square, in pixels.

    Returns:
        Red, green, blue and opacity from 0 to 1, `(side, side, 4)`.
    """
    places = (np.arange(side) + 0.5) * 2 / side - 1
    motion = np.stack(np.meshgrid(places, places), axis=-1)  # y downwards
    inside = np.hypot(motion[..., 0], motion[..., 1]) <= 1
    wheel = flow_colors(motion, 1.0)
    return np.concatenate([wheel, inside[..., None]], axis=-1)


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
