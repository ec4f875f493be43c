"""Presentation times of video frames, and the choice of frames by them."""

import dataclasses
import os

import numpy as np

from ac_keras.extraction.media.container import packets_of

DEFAULT_RATE = 25  # frames per second of a track without times and rate
MICROSECONDS = 1e6  # FFmpeg's clock of a whole file, ticks per second
# Formats whose header states the duration; for others FFmpeg guesses it.
FORMATS_WITH_DURATION = ("flv", "matroska")
MARGIN = 1.0  # seconds by which a file may be shorter than its header states
SLACK = 0.05  # tolerance of times, as a fraction of the frame interval


@dataclasses.dataclass(frozen=True)
class EqualIntervals:
    """Chooses the frames at the middles of equal intervals of the clip.

    From a clip of `num_frames` or fewer frames, all are taken. A frame that is
    shown at several middles is taken once.

    Args:
        num_frames: Number of intervals, the maximum number of frames.

    Raises:
        ValueError: If it is not a positive integer.
    """

    num_frames: int = 25

    def __post_init__(self):
        check_positive_integer("num_frames", self.num_frames)

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Returns the positions of the chosen frames.

        Args:
            times: Presentation times of the clip's frames in seconds,
                ascending, float64 `(num_frames,)`.

        Returns:
            Positions in ascending order, int64 `(num_chosen,)`.

        Raises:
            ValueError: If there are no times, or they descend.
        """
        _check_times(times)
        if len(times) <= self.num_frames:
            return np.arange(len(times))
        start, end = times[0], end_of(times)
        middles = (np.arange(self.num_frames) + 0.5) / self.num_frames
        moments = start + middles * (end - start) + SLACK * interval_of(times)
        positions = np.searchsorted(times, moments, side="right") - 1
        return np.unique(np.maximum(positions, 0))


@dataclasses.dataclass(frozen=True)
class FrameRate:
    """Chooses frames at a constant rate from the start of the clip.

    A frame that is shown at several of these times is taken once: with a rate
    above the clip's own, each frame is taken.

    Args:
        frames_per_second: The rate.
        max_num_frames: Maximum number of frames; a longer clip is cut.

    Raises:
        ValueError: If either is not positive.
    """

    frames_per_second: float
    max_num_frames: int = 300

    def __post_init__(self):
        rate = self.frames_per_second
        is_number = isinstance(rate, int | float | np.number)
        if not is_number or isinstance(rate, bool) or not 0 < rate < np.inf:
            raise ValueError(
                "Expected a positive number of frames per second. Received: "
                f"frames_per_second={rate!r}. Pass 0.5 for one frame in two "
                "seconds."
            )
        check_positive_integer("max_num_frames", self.max_num_frames)

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Returns the positions of the chosen frames, as `EqualIntervals`."""
        _check_times(times)
        slack = SLACK * interval_of(times)
        # Per frame, the first tick of the rate that is not before it. The row
        # of all ticks is not built: a rate may be high and a clip long.
        ends = np.append(times[1:], end_of(times)) - times[0]
        ticks = np.ceil((times - times[0] - slack) * self.frames_per_second)
        shown = ticks / self.frames_per_second < ends - slack
        shown[0] = True  # also if the clip is shorter than the slack
        return np.flatnonzero(shown)[: self.max_num_frames]


class PacketTicks:
    """Presentation times of a video track, read without decoding.

    Attributes:
        ticks: Presentation times in the track's time base, in presentation
            order; None where the file does not state one.
        num_expected: Number of frames that the file states.
        is_damaged: True if some of them are missing or truncated.
        missing_end: Description of a missing end of the file, if the file does
            not state its number of frames; otherwise empty.
    """

    def __init__(self, container, stream, path: str | os.PathLike):
        ticks, num_damaged, end = [], 0, 0.0
        for packet in packets_of(container):
            if packet is None:
                num_damaged += 1
            elif packet.size and not packet.is_discard:
                if packet.pts is not None:
                    ticks_end = packet.pts + (packet.duration or 0)
                    end = max(end, float(ticks_end * packet.time_base))
                if packet.stream_index != stream.index:
                    continue
                if packet.is_corrupt:
                    num_damaged += 1
                else:
                    ticks.append(packet.pts)
        self.ticks = ticks if None in ticks else sorted(ticks)
        cut = _index_exceeds(stream.index_entries, os.path.getsize(path))
        self.is_damaged = bool(num_damaged or cut)
        self.num_expected = len(ticks) + num_damaged
        if self.is_damaged:
            # Only then: an edit list also leaves fewer than the header states.
            self.num_expected = max(self.num_expected, stream.frames)
        self.missing_end = _missing_end(container, end)


def to_seconds(ticks: list[int | None], stream) -> np.ndarray:
    """Converts a track's ticks, in presentation order, to seconds.

    Returns:
        Seconds since the first frame, ascending, float64 `(num_frames,)`. A
        frame without a time follows the previous one at the track's rate, and
        so do all frames if fewer than two times are distinct.
    """
    interval, clock = frame_seconds(stream), stream.time_base
    if len({x for x in ticks if x is not None}) < 2:
        return np.arange(len(ticks)) * interval
    start = next(x for x in ticks if x is not None)
    times, time = np.empty(len(ticks)), -interval
    for place, tick in enumerate(ticks):
        if tick is None:
            time += interval
        else:  # from integers, for the nearest float to the exact time
            time = (tick - start) * clock.numerator / clock.denominator
        times[place] = time
    return np.maximum.accumulate(times)


def frame_seconds(stream) -> float:
    """Returns the duration of a frame at the track's rate, in seconds."""
    rate = stream.average_rate or stream.base_rate or DEFAULT_RATE
    return float(1 / rate)


def interval_of(times: np.ndarray) -> float:
    """Returns the median interval between frames, 0 for one frame."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def end_of(times: np.ndarray) -> float:
    """Returns the time at which the last frame ends."""
    return float(times[-1]) + interval_of(times)


def is_positive_integer(value: object) -> bool:
    """Returns True for an integer of 1 or more that is not a bool."""
    is_integer = isinstance(value, int | np.integer)
    return is_integer and not isinstance(value, bool) and value >= 1


def check_positive_integer(name: str, value: int) -> None:
    """Checks that an argument is an integer of 1 or more."""
    if not is_positive_integer(value):
        raise ValueError(
            f"Expected {name} to be a positive integer. Received: "
            f"{name}={value!r}. Pass 1 or more."
        )


def _check_times(times):
    times = np.asarray(times)
    if times.ndim != 1 or not len(times) or not np.all(np.diff(times) >= 0):
        raise ValueError(
            "Expected the ascending times of a clip's frames, (num_frames,). "
            f"Received: times of shape {times.shape}, {times[:5]}. Sort the "
            "times of one frame or more by presentation."
        )


def _missing_end(container, end):
    """Describes the missing end of a file; empty if there is none."""
    known = set(container.format.name.split(",")) & set(FORMATS_WITH_DURATION)
    if not known or not container.duration:
        return ""
    length = container.duration / MICROSECONDS
    end -= (container.start_time or 0) / MICROSECONDS
    if end > length - MARGIN:
        return ""
    return f"the file ends after {end:.1f} of {length:.1f} seconds"


def _index_exceeds(entries, num_bytes):
    """Returns True if a file's index refers to bytes beyond its end."""
    last = entries[-1] if len(entries) else None
    return last is not None and last.pos + last.size > num_bytes
