"""Checkpoints of a run, and how often they are written."""

import json
import os
import pathlib
import shutil
import time
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras.utils import keras_files

# Saving at the end of an epoch waits for this multiple of the time that the
# last save took, and so takes at most 1/61 of a run.
PAUSE = 60
# Errors of TensorFlow on a checkpoint that is truncated or of another model.
UNREADABLE = (AssertionError, IndexError, ValueError, tf.errors.OpError)


class RunState(tf.train.experimental.PythonState):
    """Saves and restores a run's variables together with its position.

    A checkpoint is valid once the folder's `checkpoint` file names it. That
    file is replaced atomically, so a process that is killed at any moment
    leaves the previous checkpoint intact. A checkpoint holds everything that
    the rest of the run depends on.

    Args:
        directory: Folder of the checkpoints.
        variables: All variables that training changes. They must have the
            same order and shapes when they are restored.
        keep: Number of checkpoints to keep.

    Attributes:
        epoch: Number of completed epochs, including their evaluation.
        step: Number of completed steps of the current epoch.
        history: Metrics of each completed epoch.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        variables: Sequence[tf.Variable],
        keep: int = 2,
    ):
        self.epoch, self.step, self.history = 0, 0, []
        self.directory = pathlib.Path(directory)
        self._checkpoint = tf.train.Checkpoint(
            variables=list(variables), position=self
        )
        # The manager would fail on an unreadable folder with an obscure error.
        _newest_checkpoint(self.directory)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(directory), max_to_keep=keep
        )

    def serialize(self) -> str:
        """Returns the position as text, for TensorFlow to save."""
        return json.dumps([self.epoch, self.step, self.history])

    def deserialize(self, value: str) -> None:
        """Sets the position from the text that TensorFlow read."""
        self.epoch, self.step, self.history = json.loads(value)

    def save(self) -> None:
        """Writes a checkpoint and removes the oldest."""
        self._manager.save()

    def restore(self, directory: str | os.PathLike | None = None) -> bool:
        """Restores the newest checkpoint.

        Args:
            directory: Folder to read from, if not the one written to.

        Returns:
            Whether there was a checkpoint.

        Raises:
            ValueError: If the checkpoint is corrupt or of other variables.
        """
        newest = _newest_checkpoint(pathlib.Path(directory or self.directory))
        if newest is None:
            return False
        try:
            self._checkpoint.restore(newest).assert_consumed()
        except UNREADABLE as error:
            raise ValueError(
                f"Expected {newest} to be a valid checkpoint of this model and "
                "optimizer. Received: a corrupt checkpoint, or one of another "
                f"model ({error}). If it is corrupt, remove its files to "
                "resume from the previous one; otherwise choose another folder "
                "for the run."
            ) from error
        self._remove_incomplete(newest)
        return True

    def remove(self) -> None:
        """Removes all checkpoints."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _remove_incomplete(self, newest):
        """Removes files of checkpoints that were not written to the end."""
        kept = {pathlib.Path(x).name for x in self._manager.checkpoints}
        kept.add(pathlib.Path(newest).name)
        for path in self.directory.glob("ckpt-*"):
            if path.name.split(".")[0] in kept:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


class RunSaver:
    """Saves a run's state and the best weights of a model at low cost.

    The best weights are always written before the state that refers to them.
    If an epoch ends too soon after the last save, the best weights are held
    in memory until the next save. A run that is killed in between repeats
    these epochs. `seconds` is the longest pause between two saves.
    """

    def __init__(
        self,
        state: RunState,
        best_model: keras.Model,
        best_weights: pathlib.Path,
        seconds: float,
    ):
        self.state = state
        self.best_model = best_model
        self.best_weights = best_weights
        self.seconds = seconds
        self._cost = 0.0
        self._held = None
        self.begin()

    def begin(self) -> None:
        """Restarts the clock of the pause."""
        self._saved = time.monotonic()

    def is_due(self) -> bool:
        """Returns whether the longest pause is over."""
        return time.monotonic() - self._saved > self.seconds

    def is_due_after_epoch(self) -> bool:
        """Returns whether saving is cheap, given the time since the last."""
        pause = min(self.seconds, PAUSE * self._cost)
        return time.monotonic() - self._saved >= pause

    def hold(self) -> None:
        """Holds the current weights, which are the best, for the next save."""
        self._held = self._values()

    def save(self, best: bool = False) -> None:
        """Writes new best weights, those of now if `best`, and the state."""
        start = time.monotonic()
        if best:
            keras_files.save_weights(self.best_model, self.best_weights)
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
            keras_files.save_weights(self.best_model, self.best_weights)
        finally:
            self._assign(now)

    def _values(self):
        return [x.value.numpy() for x in self.best_model.variables]

    def _assign(self, values):
        for variable, value in zip(
            self.best_model.variables, values, strict=True
        ):
            variable.assign(value)


def _newest_checkpoint(directory):
    """Returns the path of the newest checkpoint; None if none was written."""
    # `latest_checkpoint` returns None for corrupt folders too, and a run would
    # silently start from the beginning.
    names = directory / "checkpoint"
    if not names.is_file():
        return None
    try:
        state = tf.train.get_checkpoint_state(str(directory))
    except ValueError:
        state = None
    paths = state.all_model_checkpoint_paths if state else []
    complete = [x for x in paths if pathlib.Path(f"{x}.index").is_file()]
    if not complete:
        raise ValueError(
            f"Expected {names} to name a checkpoint in its folder. Received: "
            f"{list(paths) or 'no readable name'}. Copy the folder again, or "
            "remove it to start the run from the beginning."
        )
    return complete[-1]
