"""Predictions for all clips of many files."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from ac_keras.pipeline import Description
from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.integrity.damage import Damage
from ac_keras.prediction import input_files
from ac_keras.prediction.input_files import Batch
from ac_keras.prediction.input_files import InputFile
from ac_keras.prediction.input_files import check_beginnings
from ac_keras.prediction.input_files import find_files
from ac_keras.prediction.output_folder import OutputFolder
from ac_keras.prediction.progress import Progress
from ac_keras.prediction.row_writers import Rows
from ac_keras.prediction.row_writers import writer_of
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


GONE = (tf.errors.NotFoundError, tf.errors.PermissionDeniedError)


@dataclasses.dataclass
class FileRun:
    """Goes through files and around what is broken in them.

    Attributes:
        files: All files.
        predictor: Predicts one of them.
        description: What they hold, with the modalities to read.
        sample_size: Frames taken from each clip and modality; 0 takes all.
        batch_size: Clips at a time.
        skip_broken_records: Whether to go around, or to raise.
    """

    files: list[InputFile]
    predictor: FilePredictor
    description: Description
    sample_size: int
    batch_size: int
    skip_broken_records: bool

    def predict(self, left: Sequence[int]) -> None:
        """Predicts the files of these numbers, in this order.

        Raises:
            FileNotFoundError: If a file has gone.
            ValueError: If a record is broken, or a batch is too large.
            PredictionStopped: If a signal came.
        """
        batches = self._read(left)
        for place, index in enumerate(left):
            try:
                self.predictor.predict(index, self.files[index], batches)
            except BrokenFileError as error:
                damage = self._damage(index, error)
                self.predictor.progress.restart_file(error.num_clips)
                batches = self._read(left[place:])
                file = self.files[index]
                self.predictor.predict(index, file, batches, damage)
            except GONE as error:
                raise FileNotFoundError(
                    f"Expected to read {self.files[index].path}. Received: "
                    f"{error.message}. Bring the file back and give the same "
                    "command again."
                ) from error
            except tf.errors.ResourceExhaustedError as error:
                raise ValueError(
                    f"Expected batches that fit into memory. Received: "
                    f"batch_size={self.batch_size} for clips of "
                    f"{self.files[index].path}. Choose a smaller one."
                ) from error

    def _read(self, left):
        return input_files.read_files(
            [self.files[index] for index in left],
            self.description,
            batch_size=self.batch_size,
            sample_size=self.sample_size,
        )

    def _damage(self, index, error):
        """Leaves damage out of a file and lists it, or raises."""
        file, how = self.files[index], (self.description, self.sample_size)
        if self.skip_broken_records:
            self.files[index], found = input_files.without_damage(file, *how)
            if found:
                return found
        else:
            found = input_files.first_damage(file, *how, error.offset)
            if found:
                raise ValueError(
                    f"Expected sound records. Received: {found}. Make or copy "
                    "the file anew, or leave such records out with "
                    "--skip_broken_records."
                ) from error
        raise error.__cause__ or error


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one process has done.

    Attributes:
        num_clips: Clips that it predicted.
        num_files: Files that they are in.
        num_missing: Files that are left to other processes.
        seconds: How long it took, from the list of files on.
        summary: What `summary.json` holds; None while files are missing.
    """

    num_clips: int
    num_files: int
    num_missing: int
    seconds: float
    summary: dict | None

    def __str__(self) -> str:
        rate = self.num_clips / max(self.seconds, 1e-9)
        parts = [
            f"{self.num_clips:,} clips in {self.num_files:,} files, "
            f"{self.seconds:,.1f} s, {rate:,.0f} clips/s"
        ]
        if self.summary is None:
            parts.append(f"{self.num_missing:,} files are left to others")
        elif not self.num_files:
            parts.append("all files were done before")
        if self.summary and self.summary["num_broken_records"]:
            broken = self.summary["num_broken_records"]
            parts.append(f"broken records left out: {broken:,}")
        return "; ".join(parts)


def predict_files(
    model: keras.Model,
    description: Description,
    records: Sequence[str],
    output: str | os.PathLike,
    *,
    model_id: str,
    format: str = "jsonl",
    top_k: int = 5,
    sample_size: int = 0,
    batch_size: int = 256,
    share: tuple[int, int] = (0, 1),
    skip_broken_records: bool = False,
    signals: Signals | None = None,
) -> Outcome:
    """Writes a file of predictions for each file of records.

    A file whose predictions are there is left out, so that a run that was
    stopped goes on when started again. `output_folder` tells the files' names
    and `rows` their columns.

    Args:
        model: A model of `cluster_classifier`.
        description: What the records hold. Labels are not looked at, nor are
            modalities that the model does not take.
        records: Patterns of the files, such as `"records/part-*"`.
        output: The folder of the predictions; made if need be.
        model_id: What tells the model from others; see `hash_file`.
        format: `"jsonl"`, `"csv"` or `"parquet"`.
        top_k: How many classes to name; all if there are fewer.
        sample_size: Frames taken at equal intervals from each clip and
            modality; 0 takes all.
        batch_size: Clips at a time.
        share: A pair `(index, count)`: predict every count-th file, from the
            index-th on. Processes with all the shares do together what one
            does.
        skip_broken_records: Whether records that cannot be used are left out
            and counted; else they are errors.
        signals: Asked after every batch, if given.

    Returns:
        What was done.

    Raises:
        FileNotFoundError: If a pattern has no file, or one has gone.
        ValueError: If a record is broken, a file is none of records, the
            output folder cannot be written to or was begun with other files
            or settings, or an argument is out of range.
        ImportError: If the format needs a package that is missing.
        PredictionStopped: If a signal came.
    """
    writer = writer_of(format)
    files = find_files(records)
    own = _share_of(len(files), share)
    classes = TopClasses(model, description.class_names, top_k)
    settings = {
        "model": model_id,
        "top_k": classes.top_k,
        "eval_frames": sample_size,
        "format": format,
        "description": description.to_json(),
    }
    folder = OutputFolder(output, files, settings, writer.suffix)
    left = [index for index in own if not folder.is_done(index)]
    if not skip_broken_records:
        check_beginnings(files[index] for index in left)
    modalities = model.get_layer("clusters").modalities
    with _progress(files, own, left) as progress:
        run = FileRun(
            files,
            FilePredictor(classes, folder, writer, progress, signals),
            description.select(modalities),
            sample_size,
            batch_size,
            skip_broken_records,
        )
        run.predict(left)
    return Outcome(
        progress.num_clips,
        len(left),
        len(files) - folder.num_done,
        progress.seconds,
        folder.summarize(),
    )


def _share_of(num_files, share):
    """Lists the files of a share by their numbers."""
    index, count = share
    if not 0 <= index < count:
        raise ValueError(
            "Expected share as (index, count) with index from 0 and below "
            f"count. Received: share={share}. Of two processes, one takes "
            "(0, 2) and the other (1, 2)."
        )
    return range(index, num_files, count)


def _progress(files, own, left):
    """Gives a bar for the files that a process has to do, some are done."""
    total, rest = (sum(files[i].num_bytes for i in x) for x in (own, left))
    return Progress(len(own), total, (len(own) - len(left), total - rest))
