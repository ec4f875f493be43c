"""One pass over a video file, to decode the frames that are chosen."""

import dataclasses
import os
from typing import Protocol

import numpy as np

from ac_keras.extraction.decoded_frames import DecodedFrames
from ac_keras.extraction.frame_times import to_seconds
from ac_keras.extraction.frame_view import FrameView
from ac_keras.extraction.media_container import open_media
from ac_keras.extraction.media_container import require_video
from ac_keras.extraction.picture_stack import PictureStack


class FrameChoice(Protocol):
    """Chooses frames by their times: EqualIntervals or FrameRate."""

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Gives the chosen frames' positions, ascending."""


@dataclasses.dataclass(frozen=True)
class DecodingPass:
    """What came of a pass.

    Attributes:
        ticks: Of the frames that were decoded.
        is_damaged: Whether something was left out.
        times: Seconds of the chosen frames, float64 `(num_chosen,)`.
        arrays: Their pixels by view; None where frames did not come at the
            ticks that were expected.
    """

    ticks: list[int | None]
    is_damaged: bool
    times: np.ndarray
    arrays: dict[str, np.ndarray] | None


def decode_chosen(
    path: str | os.PathLike,
    expected: list[int | None],
    choice: FrameChoice,
    views: dict[str, FrameView],
) -> DecodingPass:
    """Decodes chosen frames, up to the last of them.

    Args:
        path: The file.
        expected: The ticks at which its frames should be shown, one or more.
        choice: Which of them to take.
        views: What to make of them.

    Returns:
        What came of it. Where frames come at other ticks, all are decoded and
        none is kept: the choice has to be made anew among them.
    """
    with open_media(path) as container:
        stream = require_video(container, path)
        times = to_seconds(expected, stream)
        positions = choose(choice, times)
        stacks = {
            name: PictureStack(view, positions, len(times), stream, path)
            for name, view in views.items()
        }
        last_row = max(stack.last_row for stack in stacks.values())
        decoded = DecodedFrames(container, stream)
        for position, frame in enumerate(decoded):
            if expected[position : position + 1] != [frame.pts]:
                stacks = {}
            for stack in stacks.values():
                stack.add(position, frame)
            if stacks and position == last_row:
                break
        # Fewer than were needed are not as expected either.
        complete = stacks and len(decoded.ticks) > last_row
        return DecodingPass(
            decoded.ticks,
            decoded.is_damaged,
            times[positions],
            {name: stack.array for name, stack in stacks.items()}
            if complete
            else None,
        )


def choose(choice: FrameChoice, times: np.ndarray) -> np.ndarray:
    """Asks for the positions of frames and checks them.

    Raises:
        ValueError: If they are no ascending positions of the clip.
    """
    positions = np.asarray(choice.positions(times))
    if (
        positions.ndim != 1
        or not positions.size
        or not np.issubdtype(positions.dtype, np.integer)
        or positions[0] < 0
        or positions[-1] >= len(times)
        or np.any(np.diff(positions) < 0)
    ):
        raise ValueError(
            f"Expected ascending positions of a clip of {len(times)} frames. "
            f"Received: {positions} of choice={choice!r}. EqualIntervals and "
            "FrameRate give such."
        )
    return positions.astype(np.int64)
