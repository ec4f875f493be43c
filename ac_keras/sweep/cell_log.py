"""What a cell leaves of its epochs."""

import pathlib
from collections.abc import Sequence

from ac_keras.runs import folder
from ac_keras.training.epoch_clock import EpochClock

CURVE = "curve.json"
SITTINGS = "sittings.json"  # when a sweep ran, beside its cells


class CellLog:
    """Keeps the figures of all epochs in `curve.json`.

    It takes the place of a `RunLog` for the trainer.

    Args:
        directory: The cell's folder.
        batch_size: Clips in a step.
    """

    def __init__(self, directory: pathlib.Path, batch_size: int):
        self.directory = directory
        self._clock = EpochClock(batch_size)

    def begin_epoch(self, epoch: int, first_step: int, num_steps: int) -> None:
        """Takes the time from here on."""
        self._clock.begin(first_step)

    def step(self, step: int, total: int, values: dict[str, float]) -> None:
        """Does nothing: epochs are short."""

    def times(self, step: int) -> dict[str, float]:
        """Gives the time since the epoch began or went on."""
        return self._clock.times(step)

    def epoch(self, history: Sequence[dict], new: bool = True) -> None:
        """Writes the epochs that are done."""
        if history:
            folder.write_json(self.directory / CURVE, list(history))
