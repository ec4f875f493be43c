"""Where a run is, on disk."""

import json
import os
import pathlib
import shutil
from collections.abc import Sequence

import tensorflow as tf

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
