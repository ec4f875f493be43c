"""The interface through which a trainer reports its progress."""

import time
from collections.abc import Sequence

TIMES = ("seconds", "clips_per_second")


class TrainingLog:
    """Receives the events of `Trainer.fit`. This base class only keeps time.

    Args:
        batch_size: Number of clips in a step.
    """

    def __init__(self, batch_size: int):
        self.batch_size = batch_size
        self._first_step, self._start = 0, time.monotonic()

    def begin_epoch(self, epoch: int, first_step: int, num_steps: int) -> None:
        """Starts or resumes an epoch.

        Args:
            epoch: Index of the epoch, from 0.
            first_step: Step at which the epoch starts or resumes.
            num_steps: Number of steps in the epoch.
        """
        self._first_step, self._start = first_step, time.monotonic()

    def step(self, step: int, total: int, values: dict[str, float]) -> None:
        """Receives the metrics of the latest step.

        Args:
            step: Number of completed steps of the epoch.
            total: Number of completed steps of the run.
            values: Metrics of the latest step.
        """

    def epoch(self, history: Sequence[dict], new: bool = True) -> None:
        """Receives the metrics of all completed epochs.

        Args:
            history: Metrics of each epoch.
            new: Whether the last epoch has just been completed.
        """

    def clips_per_second(self, step: int) -> float:
        """Returns the throughput since the epoch started or resumed."""
        steps = max(step - self._first_step, 0)
        seconds = max(time.monotonic() - self._start, 1e-9)
        return steps * self.batch_size / seconds

    def times(self, step: int) -> dict[str, float]:
        """Returns seconds and clips per second since the epoch started.

        Args:
            step: Number of completed steps of the epoch.
        """
        seconds = time.monotonic() - self._start
        values = (round(seconds, 2), round(self.clips_per_second(step), 1))
        return dict(zip(TIMES, values, strict=True))
