"""How fast an epoch goes."""

import time

TIMES = ("seconds", "clips_per_second")


class EpochClock:
    """Takes the time since an epoch began or went on.

    Args:
        batch_size: Clips in a step.
    """

    def __init__(self, batch_size: int):
        self.batch_size = batch_size
        self.begin(0)

    def begin(self, first_step: int) -> None:
        """Starts anew, at the step where the epoch begins or goes on."""
        self._first_step, self._start = first_step, time.monotonic()

    def rate(self, step: int) -> float:
        """Gives clips per second up to a step."""
        steps = max(step - self._first_step, 0)
        seconds = max(time.monotonic() - self._start, 1e-9)
        return steps * self.batch_size / seconds

    def times(self, step: int) -> dict[str, float]:
        """Gives the time and the rate up to a step, as a log's columns."""
        seconds = time.monotonic() - self._start
        values = (round(seconds, 2), round(self.rate(step), 1))
        return dict(zip(TIMES, values, strict=True))
