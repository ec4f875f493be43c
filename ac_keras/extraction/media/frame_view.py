"""How frames are handed on: their size, their colours, and how many."""

import dataclasses
import os

import numpy as np

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import import_av
from ac_keras.extraction.media.frame_times import check_positive_integer

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


MATRIX_SIZE = 9  # of 32 bit integers


@dataclasses.dataclass(frozen=True)
class PictureTurn:
    """One of the eight ways to lay a rectangle on itself or on its side.

    Args:
        transposed: Whether rows become columns, which is done first.
        mirrored: Whether left and right are then exchanged.
        upended: Whether top and bottom are.
    """

    transposed: bool = False
    mirrored: bool = False
    upended: bool = False

    @classmethod
    def of_frame(cls, frame) -> "PictureTurn":
        """Reads the display matrix that comes with PyAV's `VideoFrame`."""
        # PyAV's side data and its frame hold each other until the garbage is
        # collected: a copy of 2 by 2 pixels, then, instead of the frame.
        small = frame.reformat(width=2, height=2, format="rgb24", threads=1)
        data = small.side_data.get("DISPLAYMATRIX")
        if data is None:
            return cls()
        matrix = np.frombuffer(bytes(data), np.int32)
        return cls.of_matrix(matrix) if len(matrix) == MATRIX_SIZE else cls()

    @classmethod
    def of_matrix(cls, matrix: np.ndarray) -> "PictureTurn":
        """Gives the turn nearest to a display matrix.

        Args:
            matrix: Integers `(9,)`, row by row. The point (x, y) of a stored
                picture is shown at (x a + y c, x b + y d), where a, b are the
                first two of the first row, c, d those of the second.

        Returns:
            The turn; a slanted picture goes to the nearest upright one.
        """
        (a, b), (c, d) = np.asarray(matrix, np.int64).reshape(3, 3)[:2, :2]
        if abs(b) > abs(a):
            return cls(True, mirrored=bool(c < 0), upended=bool(b < 0))
        return cls(False, mirrored=bool(a < 0), upended=bool(d < 0))

    def size(self, width, height) -> tuple:
        """Turns a size, from stored to shown or back."""
        return (height, width) if self.transposed else (width, height)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Turns a picture `(height, width, ...)`, as a view of its pixels."""
        if self.transposed:
            picture = np.swapaxes(picture, 0, 1)
        if self.mirrored:
            picture = picture[:, ::-1]
        return picture[::-1] if self.upended else picture


def shown_size(frame, stream, turn: PictureTurn) -> tuple[float, float]:
    """Width and height at which a frame is shown, in square pixels.

    Args:
        frame: PyAV's `VideoFrame`.
        stream: Its `VideoStream`, which knows the shape of a stored pixel.
        turn: By which the frame becomes upright.
    """
    aspect = float(stream.sample_aspect_ratio or 1)
    return turn.size(frame.width * aspect, float(frame.height))


# A wrong pixel aspect must not fill the memory.
MAX_ASPECT = 32


class PictureStack:
    """Scales chosen frames one by one and keeps what is handed on.

    Frames are scaled by FFmpeg, bicubic, its own default: the filter widens
    with the scale, so that it averages where it shrinks (as area would) and
    interpolates where it enlarges (where area would repeat pixels). Exact
    arithmetic is asked for, lest bytes follow from the processor. A frame is
    scaled as it is stored and turned upright afterwards, when it is small.

    Args:
        view: What is made of a frame.
        positions: The chosen ones, int64 `(num_chosen,)`.
        num_frames: Of the clip.
        stream: PyAV's `VideoStream` that the frames are of.
        path: Named where something is wrong.

    Attributes:
        array: uint8 `(num_chosen, num_consecutive, height, width, 3)`, or
            without the last for gray; None before the first frame.
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
        av = import_av()
        self._view, self._path = view, os.fsdecode(path)
        self._stream = stream
        self._rows = view.rows(positions, num_frames)
        self._places = places_of(self._rows)
        self.last_row = int(self._rows.max())
        # One for each view: it keeps tables for the sizes of its last call.
        self._scaler = av.video.reformatter.VideoReformatter()
        kinds = av.video.reformatter.Interpolation
        self._interpolation = (
            kinds.BICUBIC
            | kinds.ACCURATE_RND
            | kinds.BITEXACT
            | kinds.FULL_CHR_H_INT
            | kinds.FULL_CHR_H_INP
        )
        self._size = self._turn = None
        self.array = None

    def add(self, position: int, frame) -> None:
        """Takes a decoded frame, if it is one that is needed.

        Args:
            position: Of the frame in the clip.
            frame: PyAV's `VideoFrame`.

        Raises:
            MediaError: If its sides are too far apart.
        """
        places = self._places.get(position)
        if places is None:
            return
        picture = self._scale(frame)
        if self.array is None:
            shape = self._rows.shape + picture.shape
            self.array = np.empty(shape, np.uint8)
        for row, column in places:
            self.array[row, column] = picture

    def _scale(self, frame):
        # A file is filmed in one position: its first frame tells.
        self._turn = self._turn or PictureTurn.of_frame(frame)
        width, height = shown_size(frame, self._stream, self._turn)
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise MediaError(
                f"Expected frames of sides within 1 to {MAX_ASPECT}. "
                f"Received: path={self._path!r} with frames shown at "
                f"{width:g}x{height:g}. Convert it with its pixel aspect set."
            )
        size = self._view.scaled_size(width, height)
        if self._view.crop is None:
            # A file may change its size: all frames get the first one's.
            size = self._size = self._size or size
        width, height = self._turn.size(*size)
        scaled = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format=self._view.pixel_format,
            interpolation=self._interpolation,
            threads=1,
        )
        return crop_middle(
            self._turn.apply(scaled.to_ndarray()), self._view.crop
        )


def crop_middle(picture: np.ndarray, crop: int | None) -> np.ndarray:
    """Cuts a square out of the middle of `(height, width, ...)`."""
    if crop is None:
        return picture
    top, left = ((side - crop) // 2 for side in picture.shape[:2])
    return picture[top : top + crop, left : left + crop]


def places_of(rows: np.ndarray) -> dict[int, list[tuple[int, int]]]:
    """Maps each frame to the places of a stack where it goes."""
    places = {}
    for place, position in np.ndenumerate(rows):
        places.setdefault(int(position), []).append(place)
    return places
