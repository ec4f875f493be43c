"""Size, pixel format and number of frames that are read from a video."""

import dataclasses
import os

import numpy as np

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import import_av
from ac_keras.extraction.media.frame_times import check_positive_integer

PIXEL_FORMATS = ("rgb24", "gray")
MAX_ASPECT_RATIO = 32  # a wrong pixel aspect must not fill the memory
MATRIX_SIZE = 9  # 32-bit integers of a display matrix


@dataclasses.dataclass(frozen=True)
class FrameView:
    """Defines what is read of each chosen frame.

    Sizes are those of the displayed frame: upright, with square pixels.

    Args:
        resize: Length of the shorter side after scaling, in pixels.
        crop: Side of the square cut out of the center; None keeps all.
        pixel_format: "rgb24" or "gray", both from 0 to 255.
        num_consecutive: Number of consecutive frames read from each chosen
            position: one more than a stack of flow has fields. Positions near
            the end move back so that all frames lie within the clip; a shorter
            clip repeats its last frame.

    Raises:
        ValueError: If a size or number is not positive, the crop is larger
            than the scaled frame, or the format is unknown.
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
                f"Expected a pixel format among {PIXEL_FORMATS}. Received: "
                f"pixel_format={self.pixel_format!r}. Flow needs gray."
            )

    def rows(self, positions: np.ndarray, num_frames: int) -> np.ndarray:
        """Returns the positions of all frames to read.

        Args:
            positions: Chosen positions, integers `(num_chosen,)`.
            num_frames: Number of frames of the clip.

        Returns:
            Positions, int64 `(num_chosen, num_consecutive)`.
        """
        last_start = max(num_frames - self.num_consecutive, 0)
        starts = np.minimum(np.asarray(positions, np.int64), last_start)
        rows = starts[:, None] + np.arange(self.num_consecutive)
        return np.minimum(rows, num_frames - 1)

    def scaled_size(self, width: float, height: float) -> tuple[int, int]:
        """Computes width and height of an upright frame before the crop.

        They are in pixels; the shorter is `resize`.
        """
        scale = self.resize / min(width, height)
        longer = int(max(width, height) * scale + 0.5)
        # At least as long as the shorter side, which the crop fits into.
        longer = max(longer, self.resize)
        if width < height:
            return self.resize, longer
        return longer, self.resize


@dataclasses.dataclass(frozen=True)
class DisplayRotation:
    """One of the eight rotations and reflections from stored to displayed.

    Args:
        transposed: If True, rows and columns are exchanged first.
        mirrored: If True, left and right are then exchanged.
        flipped: If True, top and bottom are exchanged.
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @classmethod
    def of_frame(cls, frame) -> "DisplayRotation":
        """Reads the display matrix that comes with PyAV's `VideoFrame`."""
        # PyAV's side data and its frame refer to each other until garbage
        # collection. A copy of 2 x 2 pixels keeps the frame out of that.
        small = frame.reformat(width=2, height=2, format="rgb24", threads=1)
        data = small.side_data.get("DISPLAYMATRIX")
        if data is None:
            return cls()
        matrix = np.frombuffer(bytes(data), np.int32)
        return cls.of_matrix(matrix) if len(matrix) == MATRIX_SIZE else cls()

    @classmethod
    def of_matrix(cls, matrix: np.ndarray) -> "DisplayRotation":
        """Returns the rotation nearest to a display matrix, integers `(9,)`.

        The point (x, y) of a stored frame is displayed at (x a + y c, x b + y
        d), where a, b are the first two of the first row, c, d those of the
        second. Angles are rounded to a multiple of 90 degrees.
        """
        (a, b), (c, d) = np.asarray(matrix, np.int64).reshape(3, 3)[:2, :2]
        if abs(b) > abs(a):
            return cls(True, mirrored=bool(c < 0), flipped=bool(b < 0))
        return cls(False, mirrored=bool(a < 0), flipped=bool(d < 0))

    def size(self, width, height) -> tuple:
        """Converts a size from stored to displayed, or back."""
        return (height, width) if self.transposed else (width, height)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Rotates pixels `(height, width, ...)`; returns a view of them."""
        if self.transposed:
            pixels = np.swapaxes(pixels, 0, 1)
        if self.mirrored:
            pixels = pixels[:, ::-1]
        return pixels[::-1] if self.flipped else pixels


def shown_size(frame, stream, rotation: DisplayRotation) -> tuple[float, float]:
    """Computes the displayed width and height of a frame in square pixels.

    The `VideoStream` states the pixel aspect ratio; the rotation makes the
    frame upright.
    """
    aspect = float(stream.sample_aspect_ratio or 1)
    return rotation.size(frame.width * aspect, float(frame.height))


class FrameStack:
    """Scales chosen frames one by one and stores them in an array.

    FFmpeg scales the frames by its default, bicubic: the filter widens with
    the scale, so it averages when it shrinks and interpolates when it
    enlarges. Exact arithmetic makes the bytes independent of the processor. A
    frame is scaled as stored and rotated afterwards, when it is small.

    Attributes:
        array: uint8 `(num_chosen, num_consecutive, height, width, 3)`, without
            the last axis for gray; None before the first frame.
        last_row: Position of the last frame that is needed.
    """

    def __init__(
        self,
        view: FrameView,
        positions: np.ndarray,
        num_frames: int,
        stream,
        path: str | os.PathLike,
    ):
        reformatter = import_av().video.reformatter
        self._view, self._path = view, os.fsdecode(path)
        self._stream = stream
        rows = view.rows(positions, num_frames)
        self._shape = rows.shape
        self._places = {}  # of each frame in the array
        for place, position in np.ndenumerate(rows):
            self._places.setdefault(int(position), []).append(place)
        self.last_row = int(rows.max())
        # One per view: it keeps tables for the sizes of its last call.
        self._scaler = reformatter.VideoReformatter()
        kinds = reformatter.Interpolation
        self._interpolation = (
            kinds.BICUBIC
            | kinds.ACCURATE_RND
            | kinds.BITEXACT
            | kinds.FULL_CHR_H_INT
            | kinds.FULL_CHR_H_INP
        )
        self._size = self._rotation = None
        self.array = None

    def add(self, position: int, frame) -> None:
        """Stores the decoded frame at a position of the clip if it is needed.

        Raises:
            MediaError: If the aspect ratio is too large.
        """
        places = self._places.get(position)
        if places is None:
            return
        pixels = self._scale(frame)
        if self.array is None:
            self.array = np.empty(self._shape + pixels.shape, np.uint8)
        for row, column in places:
            self.array[row, column] = pixels

    def _scale(self, frame):
        # The first frame's rotation holds for the whole file.
        self._rotation = self._rotation or DisplayRotation.of_frame(frame)
        width, height = shown_size(frame, self._stream, self._rotation)
        if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
            raise MediaError(
                f"Expected frames with sides within 1 to {MAX_ASPECT_RATIO}. "
                f"Received: path={self._path!r} with frames displayed at "
                f"{width:g}x{height:g}. Convert it with its pixel aspect set."
            )
        size = self._view.scaled_size(width, height)
        if self._view.crop is None:
            # The size may change within a file: all frames get the first one's.
            size = self._size = self._size or size
        width, height = self._rotation.size(*size)
        scaled = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format=self._view.pixel_format,
            interpolation=self._interpolation,
            threads=1,
        )
        pixels = self._rotation.apply(scaled.to_ndarray())
        if (crop := self._view.crop) is None:
            return pixels
        top, left = ((side - crop) // 2 for side in pixels.shape[:2])
        return pixels[top : top + crop, left : left + crop]
