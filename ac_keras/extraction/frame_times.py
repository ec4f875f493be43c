"""The times at which a video track's frames are shown."""

import os

import numpy as np

from ac_keras.extraction.media_container import packets_of

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
