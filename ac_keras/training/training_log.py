"""Events of a training run, for logs, and the time that epochs take."""

import time
from collections.abc import Sequence

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


class TrainingLog:
    """Receives the events of `Trainer.fit`; this one keeps the time alone.

    Args:
        batch_size: Clips in a step.
    """

    def __init__(self, batch_size: int):
        self.clock = EpochClock(batch_size)

    def begin_epoch(self, epoch: int, first_step: int, num_steps: int) -> None:
        """Starts or resumes an epoch.

        Args:
            epoch: The epoch, from 0.
            first_step: The step at which it starts or resumes.
            num_steps: Steps in the epoch.
        """
        self.clock.begin(first_step)

    def step(self, step: int, total: int, values: dict[str, float]) -> None:
        """Receives the newest step.

        Args:
            step: Completed steps of the epoch.
            total: Completed steps of the run.
            values: Metrics of the newest step.
        """

    def times(self, step: int) -> dict[str, float]:
        """Returns the time since the epoch started or resumed."""
        return self.clock.times(step)

    def epoch(self, history: Sequence[dict], new: bool = True) -> None:
        """Receives the metrics of all completed epochs.

        Args:
            history: A dict of metrics for each epoch.
            new: Whether the last one has just been completed.
        """
