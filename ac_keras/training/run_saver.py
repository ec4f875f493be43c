"""When a run is saved: its state, and the weights of its best epoch."""

import pathlib
import time

import keras

from ac_keras.training.run_state import RunState
from ac_keras.utils import keras_files

PAUSE = 60  # times what saving takes, which then is 1/61 of the time


class RunSaver:
    """Saves a run's state and its best weights, for little of its time.

    The best weights are on the disk before the state that says that they are
    the best. An epoch's end may come too soon after what was saved last: the
    best weights are then held in memory until the run is saved again, and a
    run that is killed meanwhile does these epochs anew.

    Args:
        state: The run's variables and position.
        kept_model: The model whose weights are kept.
        best_weights: Their file.
        seconds: Longest pause between two saves.
    """

    def __init__(
        self,
        state: RunState,
        kept_model: keras.Model,
        best_weights: pathlib.Path,
        seconds: float,
    ):
        self.state = state
        self.kept_model = kept_model
        self.best_weights = best_weights
        self.seconds = seconds
        self._cost = 0.0
        self._held = None
        self.begin()

    def begin(self) -> None:
        """Counts the pause from now on."""
        self._saved = time.monotonic()

    def is_due(self) -> bool:
        """Tells whether the longest pause is over."""
        return time.monotonic() - self._saved > self.seconds

    def is_due_after_epoch(self) -> bool:
        """Tells whether saving costs little of the time since the last one."""
        pause = min(self.seconds, PAUSE * self._cost)
        return time.monotonic() - self._saved >= pause

    def hold(self) -> None:
        """Holds the kept model's weights, the best, until the next save."""
        self._held = self._values()

    def save(self, best: bool = False) -> None:
        """Writes the best weights, if there are new ones, and the state.

        Args:
            best: Whether the kept model's weights are the best as they are.
        """
        start = time.monotonic()
        if best:
            keras_files.save_weights(self.kept_model, self.best_weights)
        elif self._held is not None:
            self._write_held()
        self._held = None
        self.state.save()
        self._saved = time.monotonic()
        self._cost = self._saved - start

    def _write_held(self):
        now = self._values()
        try:
            self._assign(self._held)
            keras_files.save_weights(self.kept_model, self.best_weights)
        finally:
            self._assign(now)

    def _values(self):
        return [x.value.numpy() for x in self.kept_model.variables]

    def _assign(self, values):
        for variable, value in zip(
            self.kept_model.variables, values, strict=True
        ):
            variable.assign(value)
