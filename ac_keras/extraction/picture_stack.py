"""The pixels of chosen frames, as one view of them has them."""

import os

import numpy as np

from ac_keras.extraction.frame_view import FrameView
from ac_keras.extraction.media_container import import_av
from ac_keras.extraction.media_error import MediaError
from ac_keras.extraction.picture_turn import PictureTurn
from ac_keras.extraction.picture_turn import shown_size

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
