"""Content of one modality of a clip: frames, optical flow or spectrogram."""

import dataclasses

import numpy as np
from matplotlib import colors
from matplotlib.patches import Rectangle

from ac_keras.visualization.panels import INNER_WIDTH
from ac_keras.visualization.panels import NO_FRAME
from ac_keras.visualization.panels import Panel

IMAGES, FLOW, BANDS = "images", "flow", "bands"
MAX_IMAGES = 10
CONTENT_AXES = {
    IMAGES: "(num_frames, height, width, 3)",
    FLOW: "(num_frames, height, width, 2)",
    BANDS: "(num_steps, num_bands)",
}

_MAX_HEIGHT = 1.5  # inches
_LINES = 0.18  # inches, of the lines from images to their times
_GAP = 0.04  # inches between images
_BANDS_HEIGHT = 1.3  # inches
_LEAST_PEAK = 0.5  # pixels per frame; slower motion is drawn nearly white
_PERCENTILE = 99.0


@dataclasses.dataclass(frozen=True)
class ExplainedModality:
    """A clip's content of one modality and the attention to it.

    Attributes:
        name: The modality's name.
        attention: The units' weights, floats `(num_units, num_frames)`; no
            frames if the modality is absent.
        spans: Begin and end in seconds of the part of the clip that each frame
            covers, ascending floats `(num_frames, 2)`.
        kind: The kind of `content`: `"images"`, uint8 `(num_frames, height,
            width, 3)`; `"flow"`, floats `(num_frames, height, width, 2)`,
            pixels to the right and downwards; or `"bands"`, a spectrogram,
            floats `(num_steps, num_bands)`, NaN where nothing is known.
        content: That array; None if the modality is absent.
        content_span: Begin and end of a spectrogram in seconds.

    Raises:
        ValueError: If the shapes do not match.
    """

    name: str
    attention: np.ndarray
    spans: np.ndarray
    kind: str
    content: np.ndarray | None = None
    content_span: tuple[float, float] | None = None

    def __post_init__(self):
        attention, spans = np.shape(self.attention), np.shape(self.spans)
        fits = (
            self.kind in CONTENT_AXES
            and len(attention) == 2
            and spans == (attention[1], 2)
            and np.all(np.diff(self.spans) >= 0)
            and (self.is_absent or self._fits(attention[1]))
        )
        if not fits:
            axes = CONTENT_AXES.get(self.kind, "of images, flow or bands")
            raise ValueError(
                "ExplainedModality expects attention (num_units, num_frames), "
                f"spans (num_frames, 2) and content {axes}, a spectrogram "
                f"with its content_span. Received: kind={self.kind!r}, "
                f"attention {attention}, spans {spans}, content "
                f"{np.shape(self.content)}, content_span={self.content_span}. "
                "Select one clip of a batch."
            )

    def _fits(self, num_frames):
        shape = np.shape(self.content)
        if self.kind == BANDS:
            return len(shape) == 2 and self.content_span is not None
        channels = 3 if self.kind == IMAGES else 2
        ends = (shape[:1], shape[-1:])
        return len(shape) == 4 and ends == ((num_frames,), (channels,))

    @property
    def is_absent(self) -> bool:
        """Returns whether the clip lacks the modality."""
        return not np.shape(self.attention)[1]

    @property
    def extent(self) -> tuple[float, float]:
        """Returns begin and end in seconds of all that is drawn."""
        first, last = float(self.spans[0][0]), float(self.spans[-1][1])
        start, end = self.content_span or (first, last)
        return min(first, start), max(last, end)


def image_row(
    modality: ExplainedModality, extent: tuple[float, float]
) -> Panel:
    """Draws images or flow in a row, with lines down to their times.

    Of many frames, ten at equal intervals are drawn. `extent` is the begin and
    the end of the time axis below, in seconds.
    """
    num_frames = len(modality.content)
    count = min(num_frames, MAX_IMAGES)
    chosen = (2 * np.arange(count) + 1) * num_frames // (2 * count)
    images = modality.content[chosen]
    if modality.kind == FLOW:
        images = _flow_colors(images, flow_peak(modality.content))
    moments = np.mean(modality.spans, axis=1)[chosen]
    start, end = extent
    places = (moments - start) / (end - start) * INNER_WIDTH
    slot = INNER_WIDTH / count
    scale = min((slot - _GAP) / images.shape[2], _MAX_HEIGHT / images.shape[1])
    height, width = scale * images.shape[1], scale * images.shape[2]

    def draw(axes):
        axes.set_axis_off()
        for index, (image, place) in enumerate(
            zip(images, places, strict=True)
        ):
            middle = (index + 0.5) * slot
            left, right = middle - width / 2, middle + width / 2
            box = (left, right, _LINES, _LINES + height)
            axes.imshow(image, extent=box, aspect="auto")
            frame = Rectangle(
                (left, _LINES), width, height, fill=False, color="0.6"
            )
            axes.add_patch(frame)
            axes.plot((middle, place), (_LINES, 0), color="0.6", linewidth=0.8)
        axes.set(xlim=(0, INNER_WIDTH), ylim=(0, _LINES + height))
        if modality.kind == FLOW:
            _draw_wheel(axes, height)

    return Panel(height + _LINES, draw, 0.0)


def spectrogram(
    modality: ExplainedModality, extent: tuple[float, float]
) -> Panel:
    """Draws bands over time, from begin to end in seconds; louder is darker."""

    def draw(axes):
        num_bands = modality.content.shape[1]
        axes.imshow(
            np.ma.masked_invalid(modality.content.T),
            cmap="Greys",
            origin="lower",
            aspect="auto",
            extent=(*modality.content_span, 0.5, num_bands + 0.5),
        )
        axes.set_facecolor(NO_FRAME)
        axes.set_xlim(extent)
        axes.set_ylabel("mel band", fontsize=8)
        axes.set_yticks([1, num_bands], ["1", str(num_bands)], fontsize=7)
        axes.tick_params(axis="x", labelbottom=False)

    return Panel(_BANDS_HEIGHT, draw, 0.06)


def flow_peak(flow: np.ndarray) -> float:
    """Returns the speed that is drawn in full colour, in pixels per frame."""
    speed = np.hypot(flow[..., 0], flow[..., 1])
    return max(float(np.percentile(speed, _PERCENTILE)), _LEAST_PEAK)


def _flow_colors(flow, peak):
    """Computes colours of motion: the hue is the direction, white is still."""
    x, y = flow[..., 0], flow[..., 1]
    hue = (np.arctan2(y, x) / (2 * np.pi)) % 1.0
    fullness = np.clip(np.hypot(x, y) / peak, 0, 1)
    return colors.hsv_to_rgb(
        np.stack([hue, fullness, np.ones_like(hue)], axis=-1)
    )


def _color_wheel(side):
    """Computes the colours of all directions, float `(side, side, 4)`."""
    places = (np.arange(side) + 0.5) * 2 / side - 1
    motion = np.stack(np.meshgrid(places, places), axis=-1)  # y downwards
    inside = np.hypot(motion[..., 0], motion[..., 1]) <= 1
    wheel = _flow_colors(motion, 1.0)
    return np.concatenate([wheel, inside[..., None]], axis=-1)


def _draw_wheel(axes, height):
    """Draws the colours of all directions in the left margin."""
    side = min(0.6, height)
    inset = axes.inset_axes(
        (-0.15 - side, _LINES + (height - side) / 2, side, side),
        transform=axes.transData,
    )
    inset.set_axis_off()
    inset.imshow(_color_wheel(60))
