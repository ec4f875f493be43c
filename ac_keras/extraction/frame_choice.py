"""Which frames of a clip to take, by the times at which they are shown.

A frame is shown from its own time to the next frame's; the last one is
shown for as long as the middle one of all intervals. A time of interest may
miss its frame by a twentieth of that: files keep times in whole ticks of
their own, and the same frame is to be taken whatever they are rounded to.
"""

import dataclasses

import numpy as np

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
