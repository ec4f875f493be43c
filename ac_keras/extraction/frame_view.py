"""How frames are handed on: their size, their colours, and how many."""

import dataclasses

import numpy as np

from ac_keras.extraction.frame_choice import check_positive_integer

PIXEL_FORMATS = ("rgb24", "gray")


@dataclasses.dataclass(frozen=True)
class FrameView:
    """What is made of each frame that is chosen.

    Sizes are those of the picture as it is shown: upright, and with square
    pixels.

    Args:
        resize: What the shorter side is scaled to.
        crop: Side of the square cut out of the middle; None keeps all.
        pixel_format: "rgb24" or "gray", both from 0 to 255.
        num_consecutive: How many consecutive frames are taken from each
            chosen position on: one more than a stack of flow has fields.
            They are moved back so as to lie within the clip; a clip shorter
            than that repeats its last frame.

    Raises:
        ValueError: If a size or a number is not positive, the crop is larger
            than what it is cut out of, or the format is another.
    """

    resize: int
    crop: int | None = None
    pixel_format: str = "rgb24"
    num_consecutive: int = 1

    def __post_init__(self):
        check_positive_integer("resize", self.resize)
        check_positive_integer("num_consecutive", self.num_consecutive)
        if self.crop is not None:
            check_positive_integer("crop", self.crop)
            if self.crop > self.resize:
                raise ValueError(
                    "Expected a crop that lies within the scaled frame. "
                    f"Received: crop={self.crop}, resize={self.resize}. "
                    f"Pass resize={self.crop} or more."
                )
        if self.pixel_format not in PIXEL_FORMATS:
            raise ValueError(
                f"Expected a pixel format out of {PIXEL_FORMATS}. Received: "
                f"pixel_format={self.pixel_format!r}. Flow takes gray."
            )

    def rows(self, positions: np.ndarray, num_frames: int) -> np.ndarray:
        """Says which frames are taken.

        Args:
            positions: The chosen ones, integers `(num_chosen,)`.
            num_frames: Of the clip.

        Returns:
            Positions of frames, int64 `(num_chosen, num_consecutive)`.
        """
        last_start = max(num_frames - self.num_consecutive, 0)
        starts = np.minimum(np.asarray(positions, np.int64), last_start)
        rows = starts[:, None] + np.arange(self.num_consecutive)
        return np.minimum(rows, num_frames - 1)

    def scaled_size(self, width: float, height: float) -> tuple[int, int]:
        """Scales an upright picture's size, before the crop.

        Args:
            width: Of the picture as it is shown.
            height: Likewise.

        Returns:
            Width and height in pixels; the shorter is `resize`.
        """
        scale = self.resize / min(width, height)
        longer = int(max(width, height) * scale + 0.5)
        # Never under the crop, which resize is not.
        longer = max(longer, self.resize)
        if width < height:
            return self.resize, longer
        return longer, self.resize
