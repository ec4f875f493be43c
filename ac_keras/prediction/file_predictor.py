"""From the batches of a file of records to its file of predictions."""

import contextlib
import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.integrity.damage import Damage
from ac_keras.prediction.file_batches import Batch
from ac_keras.prediction.input_files import InputFile
from ac_keras.prediction.output_folder import OutputFolder
from ac_keras.prediction.progress import Progress
from ac_keras.prediction.rows import Rows
from ac_keras.prediction.top_classes import TopClasses

BROKEN_DATA = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    UnicodeDecodeError,  # TensorFlow's, of a message with a record's bytes
)


class PredictionStopped(Exception):
    """A signal asked the run to stop; the files that are done stay.

    Attributes:
        signal: Its name.
    """

    def __init__(self, signal: str, num_done: int, num_files: int):
        super().__init__(
            f"Stopped by {signal}: {num_done} of {num_files} files are done "
            "and stay. The same command goes on with the others."
        )
        self.signal = signal


class BrokenFileError(Exception):
    """A file could not be read to its end.

    Attributes:
        offset: The byte up to which its records are known to be sound.
        num_clips: How many of its clips were predicted.
    """

    def __init__(self, offset: int, num_clips: int):
        super().__init__(f"after {num_clips} clips, byte {offset}")
        self.offset = offset
        self.num_clips = num_clips


class Signals(Protocol):
    """Tells whether to stop: `received` is a signal's name, or None."""

    received: str | None


@dataclasses.dataclass
class FilePredictor:
    """Predicts files of records, one after the other.

    Attributes:
        classes: Names a batch's classes.
        folder: Where the predictions belong.
        writer: The class that writes their format.
        progress: Is told of each batch.
        signals: Asked after each batch, if given.
    """

    classes: TopClasses
    folder: OutputFolder
    writer: type
    progress: Progress
    signals: Signals | None = None

    def predict(
        self,
        index: int,
        file: InputFile,
        batches: Iterator[Batch | None],
        damage: Sequence[Damage] = (),
    ) -> None:
        """Writes the predictions of a file, or nothing.

        Args:
            index: The file's number among all files.
            file: The file.
            batches: What `read_files` yields, from the file's beginning on;
                they are taken up to its end.
            damage: What is left out of it.

        Raises:
            BrokenFileError: If the file cannot be read to its end.
            PredictionStopped: If a signal came.
        """
        self.folder.sweep(index)
        with self.folder.writing(index) as path:
            with contextlib.closing(
                self.writer(path, self.classes.top_k)
            ) as rows:
                num_clips = self._write_all(rows, file, batches)
            self.folder.count(index, num_clips, damage)
        self.progress.end_file(file.num_bytes)

    def _write_all(self, rows, file, batches):
        """Writes up to the file's end and counts the clips."""
        num_clips, num_bytes = 0, 0
        try:
            for batch in iter(lambda: next(batches), None):
                self._write(rows, file, batch, num_clips)
                num_clips += len(batch.ids)
                num_bytes += batch.num_bytes
                self._check_signals()
        except BROKEN_DATA as error:
            raise BrokenFileError(num_bytes, num_clips) from error
        if not _is_whole(file, num_bytes):
            raise BrokenFileError(num_bytes, num_clips)
        return num_clips

    def _write(self, rows, file, batch, first):
        classes, scores = self.classes(batch.features)
        index = np.arange(first, first + len(batch.ids)) + batch.gaps
        rows.write(Rows(batch.ids, file.path, index, classes, scores))
        self.progress.batch(len(batch.ids), batch.num_bytes)

    def _check_signals(self):
        if self.signals and self.signals.received:
            raise PredictionStopped(
                self.signals.received,
                self.folder.num_done,
                len(self.folder.files),
            )


def _is_whole(file, num_bytes):
    """Tells whether a file that was read to its end ends behind a record.

    TensorFlow takes less than a record's header for a sound end, and no byte
    at all.
    """
    if file.runs != InputFile.runs:
        return True
    if num_bytes == file.num_bytes:
        return num_bytes > 0
    return record_framing.record_starts(file.path)[1]
