"""Frames of a video file, chosen by their presentation times."""

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
from ac_keras.extraction.media.frame_view import DisplayRotation
from ac_keras.extraction.media.frame_view import FrameStack
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.frame_view import shown_size


class FrameChoice(Protocol):
    """Chooses frames by their times: `EqualIntervals` or `FrameRate`."""

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Returns the positions of the chosen frames, ascending."""


@dataclasses.dataclass(frozen=True)
class VideoFrames:
    """Frames of a clip.

    Attributes:
        times: Seconds from the clip's first frame to each chosen one, float64
            `(num_chosen,)`.
        arrays: Pixels by view, uint8 `(num_chosen, num_consecutive, height,
            width, 3)`, without the last axis for gray.
        problems: Descriptions of damage in a file that was read in part.
    """

    times: np.ndarray
    arrays: dict[str, np.ndarray]
    problems: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class VideoProbe:
    """Content of a media file.

    Attributes:
        num_frames: Number of intact frames of the video track by the file's
            own account; 0 without a video track.
        duration: Seconds of the video track; of the file without one.
        width: Width of the displayed frame, upright with square pixels.
        height: Height of the displayed frame.
        frames_per_second: Average rate.
        has_video: True if there is a video track; a cover image is not one.
        has_audio: True if there is an audio track.
    """

    num_frames: int
    duration: float
    width: int
    height: int
    frames_per_second: float
    has_video: bool
    has_audio: bool


def read_frames(
    path: str | os.PathLike,
    choice: FrameChoice,
    views: dict[str, FrameView],
) -> VideoFrames:
    """Reads frames of a video file.

    The file is read twice: for the times of its frames, without decoding, and
    up to the last chosen frame, to decode them with one thread. If the frames
    do not come at those times (mostly in a corrupt file), the choice is
    repeated among the frames that do come, in a third pass. Only the returned
    frames are held in memory.

    Args:
        path: The file.
        choice: Choice of the frames.
        views: Mapping from any name to what is read of each frame.

    Returns:
        The frames; `problems` reports frames that could not be decoded.

    Raises:
        MediaError: If no frame of the file can be decoded.
        ValueError: If `views` is empty, or the choice is not valid.
        ImportError: If PyAV is not installed.
    """
    if not views:
        raise ValueError(
            "Expected one view of the frames or more. Received: "
            f"views={views!r}. Pass views={{'rgb': FrameView(256, 224)}}."
        )
    with open_media(path) as container:
        stated = PacketTicks(container, require_video(container, path), path)
    ticks, is_damaged = stated.ticks, stated.is_damaged
    for _ in range(2):
        _require_frames(ticks, path)
        result = _decode_chosen(path, ticks, choice, views)
        is_damaged |= result.is_damaged
        if result.arrays is not None:
            problems = _describe_losses(len(ticks), stated, is_damaged)
            return VideoFrames(result.times, result.arrays, problems)
        ticks = result.ticks
    raise MediaError(
        "Expected a file that does not change while it is read. Received: "
        f"path={os.fsdecode(path)!r}, whose frames differed between two "
        "passes. Read it again when it is completely written."
    )


def probe(path: str | os.PathLike) -> VideoProbe:
    """Reads the properties of a media file; decodes one frame.

    Args:
        path: The file.

    Returns:
        Its properties.

    Raises:
        MediaError: If the file cannot be read, or has a video track of which
            no frame can be decoded.
        ImportError: If PyAV is not installed.
    """
    with open_media(path) as container:
        has_audio = any(x.codec_context for x in container.streams.audio)
        if find_video(container) is None:
            duration = (container.duration or 0) / MICROSECONDS
            return VideoProbe(0, duration, 0, 0, 0.0, False, has_audio)
        stream = require_video(container, path)
        times = to_seconds(PacketTicks(container, stream, path).ticks, stream)
        # The time of a single frame does not state its duration.
        duration = end_of(times) if len(times) > 1 else frame_seconds(stream)
    with open_media(path) as container:
        stream = require_video(container, path)
        frame = next(iter(DecodedFrames(container, stream)), None)
        _require_frames([] if frame is None else times, path)
        size = shown_size(frame, stream, DisplayRotation.of_frame(frame))
        width, height = map(round, size)
    rate = len(times) / duration
    return VideoProbe(
        len(times), duration, width, height, rate, True, has_audio
    )


class DecodedFrames:
    """Decodes a track's frames in presentation order.

    Corrupt frames are skipped, up to the next key frame: frames until there
    refer to lost ones, and FFmpeg decodes them to wrong pixels. The container
    is at its start.

    Attributes:
        ticks: Ticks of the frames decoded so far, None without a time.
        is_damaged: True if something has been skipped so far.
    """

    def __init__(self, container, stream):
        self._container, self._stream = container, stream
        self.ticks, self.is_damaged = [], False
        self._waits, self._lost_tick = False, None

    def __iter__(self) -> Iterator:
        """Yields PyAV's `VideoFrame`s without keeping them."""
        ffmpeg_error = import_av().error.FFmpegError
        for packet in packets_of(self._container, self._stream):
            # None follows a failed read; the decoder then returns the frames
            # that it still holds.
            if packet is None or packet.is_corrupt:
                self._lose(packet)
            try:
                frames = self._stream.decode(packet)
            except ffmpeg_error:
                self._lose(packet)
                continue
            while frames:
                frame = frames.pop(0)
                if self._is_intact(frame):
                    self.ticks.append(frame.pts)
                    yield frame

    def _lose(self, packet):
        self.is_damaged = self._waits = True
        self._lost_tick = None if packet is None else packet.pts

    def _is_intact(self, frame):
        if frame.is_corrupt:
            self._lose(frame)
        elif self._waits and frame.key_frame:
            # A key frame shown before the loss was decoded before it.
            ticks = frame.pts, self._lost_tick
            self._waits = None not in ticks and ticks[0] <= ticks[1]
        return not self._waits


@dataclasses.dataclass(frozen=True)
class _Pass:
    """Result of a pass; `arrays` is None if frames came at unexpected ticks."""

    ticks: list[int | None]
    is_damaged: bool
    times: np.ndarray
    arrays: dict[str, np.ndarray] | None


def _decode_chosen(path, expected, choice, views):
    """Decodes chosen frames, or all and keeps none if ticks are unexpected."""
    with open_media(path) as container:
        stream = require_video(container, path)
        times = to_seconds(expected, stream)
        positions = _choose(choice, times)
        stacks = {
            name: FrameStack(view, positions, len(times), stream, path)
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
        # Too few frames are unexpected, too.
        arrays = None
        if stacks and len(decoded.ticks) > last_row:
            arrays = {name: stack.array for name, stack in stacks.items()}
        return _Pass(
            decoded.ticks, decoded.is_damaged, times[positions], arrays
        )


def _choose(choice, times):
    """Returns the positions of the chosen frames, checked."""
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
            f"Received: {positions} from choice={choice!r}. Use "
            "EqualIntervals or FrameRate."
        )
    return positions.astype(np.int64)


def _require_frames(frames, path):
    if not len(frames):
        raise MediaError(
            "Expected a video track with a frame that decodes. Received: "
            f"path={os.fsdecode(path)!r}, none of whose frames does. The file "
            "may be truncated: copy or download it again, or leave it out."
        )


def _describe_losses(num_frames, stated, is_damaged):
    """Describes what a damaged file has lost."""
    problems = []
    if is_damaged and num_frames < stated.num_expected:
        problems.append(f"{num_frames} of {stated.num_expected} frames decode")
    if stated.missing_end:
        problems.append(stated.missing_end)
    return tuple(problems)
