"""How a stored picture is turned to be shown upright."""

import dataclasses

import numpy as np

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
