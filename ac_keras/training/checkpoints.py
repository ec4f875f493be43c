"""Where a run is, on disk."""

import json
import os
import pathlib
import shutil
import time
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras.utils import keras_files

# What TensorFlow raises where a checkpoint is cut short or another's.
UNREADABLE = (AssertionError, IndexError, ValueError, tf.errors.OpError)


class RunState(tf.train.experimental.PythonState):
    """A run's variables and its position, saved and restored together.

    A checkpoint counts when the folder's `checkpoint` file names it, which is
    replaced in one piece: a process killed at any moment leaves the one
    before. Everything that a run's rest depends on is in it.

    Args:
        directory: Folder of the checkpoints.
        variables: Everything that training changes. Their order and shapes
            must be the same when they are restored.
        keep: How many checkpoints to keep.

    Attributes:
        epoch: Epochs that are done, their evaluation included.
        step: Steps that are done of the next one.
        history: A dict of figures for every epoch that is done.
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
        _newest(self.directory)  # or raises, where the manager would too
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(directory), max_to_keep=keep
        )

    def serialize(self) -> str:
        """Gives the position, for TensorFlow to save."""
        return json.dumps([self.epoch, self.step, self.history])

    def deserialize(self, value: str) -> None:
        """Takes over the position that TensorFlow read."""
        self.epoch, self.step, self.history = json.loads(value)

    def save(self) -> None:
        """Writes a checkpoint and removes the oldest."""
        self._manager.save()

    def restore(self, directory: str | os.PathLike | None = None) -> bool:
        """Goes back to the newest checkpoint.

        Args:
            directory: The folder to read, where it is not the one written to.

        Returns:
            Whether there was one.

        Raises:
            ValueError: If it is damaged, or of other variables than these.
        """
        newest = _newest(pathlib.Path(directory or self.directory))
        if newest is None:
            return False
        try:
            self._checkpoint.restore(newest).assert_consumed()
        except UNREADABLE as error:
            raise ValueError(
                f"Expected {newest} to be a whole checkpoint of this model and "
                f"optimizer. Received: another's, or a damaged one ({error}). "
                "If it was damaged, remove its files to go on from the one "
                "before; else name another folder for the run."
            ) from error
        self._sweep(newest)
        return True

    def remove(self) -> None:
        """Removes all checkpoints."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _sweep(self, newest):
        """Removes files of checkpoints that were never finished."""
        kept = {pathlib.Path(x).name for x in self._manager.checkpoints}
        kept.add(pathlib.Path(newest).name)
        for path in self.directory.glob("ckpt-*"):
            if path.name.split(".")[0] in kept:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _newest(directory):
    """Gives the newest checkpoint; None only where none was ever finished.

    `tf.train.latest_checkpoint` gives None for damaged folders too, and a run
    would start anew there without a word.
    """
    names = directory / "checkpoint"
    if not names.is_file():
        return None
    try:
        state = tf.train.get_checkpoint_state(str(directory))
    except ValueError:
        state = None
    paths = state.all_model_checkpoint_paths if state else []
    whole = [x for x in paths if pathlib.Path(f"{x}.index").is_file()]
    if not whole:
        raise ValueError(
            f"Expected {names} to name a checkpoint in its folder. Received: "
            f"{list(paths) or 'no name that can be read'}. Copy the folder "
            "anew, or remove it to start the run from the beginning."
        )
    return whole[-1]


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
