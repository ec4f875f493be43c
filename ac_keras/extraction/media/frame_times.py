"""The times at which a video track's frames are shown."""

import dataclasses
import os

import numpy as np

from ac_keras.extraction.media.container import packets_of

DEFAULT_RATE = 25  # of a track that names neither times nor a rate
MICROSECONDS = 1e6  # a second, by FFmpeg's clock of a whole file
# Formats whose header says how long the file is; of others FFmpeg guesses.
TELL_DURATION = ("flv", "matroska")
MARGIN = 1.0  # second by which a file may be shorter than it says


class PacketTicks:
    """The frames that a video track announces, read without decoding.

    Args:
        container: Of `open_media`.
        stream: Its video track.
        path: The file.

    Attributes:
        ticks: At which the frames are shown, by the track's own clock, in the
            order of their presentation; None where the file does not say.
        num_expected: How many frames the file announces.
        is_damaged: Whether some of them are not there, or not whole.
        missing_end: Where the file ends and where it should, if it was cut
            and does not say how many frames it had; or "".
    """

    def __init__(self, container, stream, path: str | os.PathLike):
        ticks, num_damaged, end = [], 0, 0.0
        for packet in packets_of(container):
            if packet is None:
                num_damaged += 1
            elif packet.size and not packet.is_discard:
                end = max(end, end_of_packet(packet))
                if packet.stream_index != stream.index:
                    continue
                if packet.is_corrupt:
                    num_damaged += 1
                else:
                    ticks.append(packet.pts)
        self.ticks = ticks if None in ticks else sorted(ticks)
        cut = ends_beyond(stream.index_entries, os.path.getsize(path))
        self.is_damaged = bool(num_damaged or cut)
        self.num_expected = len(ticks) + num_damaged
        if self.is_damaged:
            # Only then: an edit list, too, leaves fewer than the header says.
            self.num_expected = max(self.num_expected, stream.frames)
        self.missing_end = missing_end(container, end)


def end_of_packet(packet) -> float:
    """Seconds, by the file's clock, to which a packet lasts."""
    if packet.pts is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def missing_end(container, end: float) -> str:
    """Says where a file ends and where it should; "" where it ends there."""
    known = set(container.format.name.split(",")) & set(TELL_DURATION)
    if not known or not container.duration:
        return ""
    length = container.duration / MICROSECONDS
    end -= (container.start_time or 0) / MICROSECONDS
    if end > length - MARGIN:
        return ""
    return f"the file ends after {end:.1f} of {length:.1f} seconds"


def ends_beyond(entries, num_bytes: int) -> bool:
    """Whether a file's index names what lies beyond the file's end."""
    last = entries[-1] if len(entries) else None
    return last is not None and last.pos + last.size > num_bytes


def frame_seconds(stream) -> float:
    """How long a frame is shown at the track's rate."""
    rate = stream.average_rate or stream.base_rate or DEFAULT_RATE
    return float(1 / rate)


def to_seconds(ticks: list[int | None], stream) -> np.ndarray:
    """Turns a track's ticks into times since its first frame.

    Args:
        ticks: Of its frames, in the order of their presentation.
        stream: PyAV's `VideoStream`, with its clock and its rate.

    Returns:
        Seconds, ascending, float64 `(num_frames,)`. A frame without a time
        follows the one before it at the track's rate; so do all frames where
        the times do not tell them apart.
    """
    interval, clock = frame_seconds(stream), stream.time_base
    if len({x for x in ticks if x is not None}) < 2:
        return np.arange(len(ticks)) * interval
    start = next(x for x in ticks if x is not None)
    times, time = np.empty(len(ticks)), -interval
    for place, tick in enumerate(ticks):
        if tick is None:
            time += interval
        else:  # of integers, so that a time is as near as a float can be
            time = (tick - start) * clock.numerator / clock.denominator
        times[place] = time
    return np.maximum.accumulate(times)


SLACK = 0.05  # of a frame's interval


@dataclasses.dataclass(frozen=True)
class EqualIntervals:
    """The frames shown at the middles of equal intervals of the clip.

    A clip of no more frames than are asked for gives each of them. A frame
    that is shown at several middles is given once.

    Args:
        num_frames: How many intervals, and frames at most.

    Raises:
        ValueError: If it is not a positive integer.
    """

    num_frames: int = 25

    def __post_init__(self):
        check_positive_integer("num_frames", self.num_frames)

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Chooses frames.

        Args:
            times: Seconds at which the clip's frames are shown, ascending,
                float64 `(num_frames,)`.

        Returns:
            Their positions, ascending, int64 `(num_chosen,)`.

        Raises:
            ValueError: If there are no times, or they descend.
        """
        check_times(times)
        if len(times) <= self.num_frames:
            return np.arange(len(times))
        start, end = times[0], end_of(times)
        middles = (np.arange(self.num_frames) + 0.5) / self.num_frames
        return shown_at(times, start + middles * (end - start))


@dataclasses.dataclass(frozen=True)
class FrameRate:
    """The frames shown at a steady rate from the clip's beginning.

    A frame that is shown at several of those times is given once: a rate
    above the clip's own gives each of its frames.

    Args:
        frames_per_second: The rate.
        max_frames: A longer clip gives the first of its frames.

    Raises:
        ValueError: If either is not positive.
    """

    frames_per_second: float
    max_frames: int = 300

    def __post_init__(self):
        rate = self.frames_per_second
        is_number = isinstance(rate, int | float | np.number)
        if not is_number or isinstance(rate, bool) or not 0 < rate < np.inf:
            raise ValueError(
                "Expected a positive number of frames per second. Received: "
                f"frames_per_second={rate!r}. One frame in two seconds is 0.5."
            )
        check_positive_integer("max_frames", self.max_frames)

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Chooses frames.

        Args:
            times: Seconds at which the clip's frames are shown, ascending,
                float64 `(num_frames,)`.

        Returns:
            Their positions, ascending, int64 `(num_chosen,)`.

        Raises:
            ValueError: If there are no times, or they descend.
        """
        check_times(times)
        slack = SLACK * interval_of(times)
        # The frames of `ticks` are those of the whole row of ticks, without
        # the row itself: a rate may be high and a clip long.
        ends = np.append(times[1:], end_of(times)) - times[0]
        ticks = np.ceil((times - times[0] - slack) * self.frames_per_second)
        shown = ticks / self.frames_per_second < ends - slack
        shown[0] = True  # also where the clip is shorter than the slack
        return np.flatnonzero(shown)[: self.max_frames]


def interval_of(times: np.ndarray) -> float:
    """The middle one of the intervals between frames, 0 for one frame."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def end_of(times: np.ndarray) -> float:
    """When the last frame has been shown."""
    return float(times[-1]) + interval_of(times)


def shown_at(times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Positions of the frames shown at ascending moments, each once."""
    moments = moments + SLACK * interval_of(times)
    positions = np.searchsorted(times, moments, side="right") - 1
    return np.unique(np.maximum(positions, 0))


def check_positive_integer(name: str, value: int) -> None:
    """Refuses what is not a count of at least 1."""
    if (
        not isinstance(value, int | np.integer)
        or isinstance(value, bool)
        or value < 1
    ):
        raise ValueError(
            f"Expected {name} to be a positive integer. Received: "
            f"{name}={value!r}. Pass 1 or more."
        )


def check_times(times: np.ndarray) -> None:
    """Refuses times of no frames, and those that descend."""
    times = np.asarray(times)
    if times.ndim != 1 or not len(times) or not np.all(np.diff(times) >= 0):
        raise ValueError(
            "Expected the ascending times of a clip's frames, (num_frames,). "
            f"Received: times of shape {times.shape}, {times[:5]}. Sort them "
            "by presentation; a clip without frames has nothing to choose."
        )
