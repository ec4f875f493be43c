"""Frames of a video file, chosen by the times at which they are shown."""

import dataclasses
import os

import numpy as np

from ac_keras.extraction.decoded_frames import DecodedFrames
from ac_keras.extraction.decoding_pass import FrameChoice
from ac_keras.extraction.decoding_pass import decode_chosen
from ac_keras.extraction.frame_choice import end_of
from ac_keras.extraction.frame_times import MICROSECONDS
from ac_keras.extraction.frame_times import PacketTicks
from ac_keras.extraction.frame_times import frame_seconds
from ac_keras.extraction.frame_times import to_seconds
from ac_keras.extraction.frame_view import FrameView
from ac_keras.extraction.media_container import find_video
from ac_keras.extraction.media_container import open_media
from ac_keras.extraction.media_container import require_video
from ac_keras.extraction.media_error import MediaError
from ac_keras.extraction.picture_turn import PictureTurn
from ac_keras.extraction.picture_turn import shown_size


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
