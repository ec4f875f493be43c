"""What a picture of a clip shows of one modality."""

import dataclasses

import numpy as np

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
