"""Frames of a video file, chosen by the times at which they are shown."""

import dataclasses
import os
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import find_video
from ac_keras.extraction.media.container import import_av
from ac_keras.extraction.media.container import open_media
from ac_keras.extraction.media.container import packets_of
from ac_keras.extraction.media.container import require_video
from ac_keras.extraction.media.frame_times import MICROSECONDS
from ac_keras.extraction.media.frame_times import PacketTicks
from ac_keras.extraction.media.frame_times import end_of
from ac_keras.extraction.media.frame_times import frame_seconds
from ac_keras.extraction.media.frame_times import to_seconds
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.frame_view import PictureStack
from ac_keras.extraction.media.frame_view import PictureTurn
from ac_keras.extraction.media.frame_view import shown_size


class DecodedFrames:
    """Decodes a track's frames, in the order in which they are shown.

    What is damaged is left out, up to the next key frame: until there, frames
    refer to what is lost, and FFmpeg shows what nobody filmed.

    Args:
        container: Of `open_media`, at its beginning.
        stream: Its video track.

    Attributes:
        ticks: Of the frames decoded so far, None where they have no time.
        is_damaged: Whether something has been left out so far.
    """

    def __init__(self, container, stream):
        self._container, self._stream = container, stream
        self.ticks, self.is_damaged = [], False
        self._waits, self._lost_tick = False, None

    def __iter__(self) -> Iterator:
        """Gives PyAV's `VideoFrame`s; none is kept."""
        ffmpeg_error = import_av().error.FFmpegError
        for packet in packets_of(self._container, self._stream):
            # None comes for an end that is none, and asks the decoder for
            # what it still holds.
            if packet is None or packet.is_corrupt:
                self._lose(packet)
            try:
                frames = self._stream.decode(packet)
            except ffmpeg_error:
                self._lose(packet)
                continue
            while frames:
                frame = frames.pop(0)
                if self._is_whole(frame):
                    self.ticks.append(frame.pts)
                    yield frame

    def _lose(self, packet):
        self.is_damaged = self._waits = True
        self._lost_tick = None if packet is None else packet.pts

    def _is_whole(self, frame):
        if frame.is_corrupt:
            self.is_damaged = self._waits = True
            self._lost_tick = frame.pts
        elif self._waits and frame.key_frame:
            # One that is shown before the loss was decoded before it.
            ticks = frame.pts, self._lost_tick
            self._waits = None not in ticks and ticks[0] <= ticks[1]
        return not self._waits


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


@dataclasses.dataclass(frozen=True)
class VideoFrames:
    """Frames of a clip.

    Attributes:
        times: Seconds from the clip's first frame to each of them, float64
            `(num_chosen,)`.
        arrays: The pixels by view, uint8 `(num_chosen, num_consecutive,
            height, width, 3)`, or without the last for gray.
        problems: What was wrong with a file that could be used none the less.
    """

    times: np.ndarray
    arrays: dict[str, np.ndarray]
    problems: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class VideoProbe:
    """What a media file holds.

    Attributes:
        num_frames: Frames of the video track that the file announces and
            holds whole; 0 without one.
        duration: Seconds of the video track; of the file without one.
        width: Of the frames as shown, upright and with square pixels.
        height: Likewise.
        frames_per_second: On average.
        has_video: Whether there is a video track; a cover picture is none.
        has_sound: Whether there is a sound track.
    """

    num_frames: int
    duration: float
    width: int
    height: int
    frames_per_second: float
    has_video: bool
    has_sound: bool


def read_frames(
    path: str | os.PathLike,
    choice: FrameChoice,
    views: dict[str, FrameView],
) -> VideoFrames:
    """Reads frames of a video file.

    The file is read twice: for the times of its frames, which takes no
    decoding, and up to the last frame that is chosen, to decode them, by one
    thread. Where the frames do not come at those times (a broken file, mostly)
    the choice is made anew among the frames that do come, in a third pass. No
    more is held than what is returned.

    Args:
        path: The file.
        choice: Which frames to take.
        views: What to make of them, by names of the caller's own.

    Returns:
        The frames; `problems` tells of frames that could not be decoded.

    Raises:
        MediaError: If not a single frame can be had from the file.
        ValueError: If there is no view, or the choice is not of the clip.
        ImportError: If PyAV is not installed.
    """
    if not views:
        raise ValueError(
            "Expected one view of the frames or more. Received: "
            f"views={views!r}. Pass views={{'rgb': FrameView(256, 224)}}."
        )
    with open_media(path) as container:
        announced = PacketTicks(container, require_video(container, path), path)
    ticks, is_damaged = announced.ticks, announced.is_damaged
    for _ in range(2):
        require_frames(ticks, path)
        result = decode_chosen(path, ticks, choice, views)
        is_damaged |= result.is_damaged
        if result.arrays is not None:
            problems = losses(len(ticks), announced, is_damaged)
            return VideoFrames(result.times, result.arrays, problems)
        ticks = result.ticks
    raise MediaError(
        "Expected a file that stays as it is while it is read. Received: "
        f"path={os.fsdecode(path)!r}, whose frames changed between two "
        "passes. Wait until it is written whole, then read it again."
    )


def probe(path: str | os.PathLike) -> VideoProbe:
    """Looks what a media file holds; decodes one frame.

    Args:
        path: The file.

    Returns:
        What it holds.

    Raises:
        MediaError: If it cannot be read, or no frame of its video track can.
        ImportError: If PyAV is not installed.
    """
    with open_media(path) as container:
        has_sound = any(x.codec_context for x in container.streams.audio)
        if find_video(container) is None:
            duration = (container.duration or 0) / MICROSECONDS
            return VideoProbe(0, duration, 0, 0, 0.0, False, has_sound)
        stream = require_video(container, path)
        times = to_seconds(PacketTicks(container, stream, path).ticks, stream)
        # Of a single frame, the times do not say how long it is shown.
        duration = end_of(times) if len(times) > 1 else frame_seconds(stream)
    with open_media(path) as container:
        stream = require_video(container, path)
        frame = next(iter(DecodedFrames(container, stream)), None)
        require_frames([] if frame is None else times, path)
        size = shown_size(frame, stream, PictureTurn.of_frame(frame))
        width, height = map(round, size)
    rate = len(times) / duration
    return VideoProbe(
        len(times), duration, width, height, rate, True, has_sound
    )


def require_frames(frames, path: str | os.PathLike) -> None:
    """Refuses a file of which no frame can be had.

    Raises:
        MediaError: If there is none.
    """
    if not len(frames):
        raise MediaError(
            "Expected a video track with a frame that decodes. Received: "
            f"path={os.fsdecode(path)!r}, none of whose frames does. It may "
            "be cut short: copy or download it again, or leave it out."
        )


def losses(
    num_frames: int, announced: PacketTicks, is_damaged: bool
) -> tuple[str, ...]:
    """Says what a damaged file has lost, if anything."""
    problems = []
    if is_damaged and num_frames < announced.num_expected:
        problems.append(
            f"{num_frames} of {announced.num_expected} frames decode"
        )
    if announced.missing_end:
        problems.append(announced.missing_end)
    return tuple(problems)
