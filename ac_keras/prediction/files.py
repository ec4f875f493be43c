"""Predictions for all clips of many files of records."""

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
from ac_keras.pipeline.integrity.corrupt_records import CorruptRecord
from ac_keras.prediction import input_files
from ac_keras.prediction.input_files import Batch
from ac_keras.prediction.input_files import InputFile
from ac_keras.prediction.output_folder import OutputFolder
from ac_keras.prediction.progress import Progress
from ac_keras.prediction.row_writers import Rows
from ac_keras.prediction.row_writers import writer_of
from ac_keras.prediction.top_classes import TopClasses

CORRUPT_DATA = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    UnicodeDecodeError,  # TensorFlow's, of a message with a record's bytes
)
UNREADABLE = (tf.errors.NotFoundError, tf.errors.PermissionDeniedError)


class PredictionStopped(Exception):
    """A signal stopped the run; files that are done remain.

    Attributes:
        signal: Name of the signal.
    """

    def __init__(self, signal: str, num_done: int, num_files: int):
        super().__init__(
            f"Stopped by {signal}: {num_done} of {num_files} files are done "
            "and remain. Run the same command again to continue."
        )
        self.signal = signal


class Signals(Protocol):
    """Signals that stop a run: `received` is a signal's name, or None."""

    received: str | None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of one process.

    Attributes:
        num_clips: Number of clips that it predicted.
        num_files: Number of files that they are in.
        num_missing: Number of files left to other processes.
        seconds: Duration from the list of files on.
        summary: Content of `summary.json`; None while files are missing.
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
            count = self.summary["num_broken_records"]
            parts.append(f"corrupt records left out: {count:,}")
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
    shard: tuple[int, int] = (0, 1),
    skip_corrupt_records: bool = False,
    signals: Signals | None = None,
) -> Outcome:
    """Writes a file of predictions for each file of records.

    Files whose predictions exist are skipped, so that an interrupted run
    continues when it is started again. `output_folder` documents the files'
    names, `row_writers` their columns.

    Args:
        model: A model of `cluster_classifier`.
        description: Description of the records. Labels and modalities that the
            model does not take are ignored.
        records: Patterns of the files, such as `"records/part-*"`.
        output: Folder of the predictions; created if missing.
        model_id: Identifies the model; see `hash_file`.
        format: `"jsonl"`, `"csv"` or `"parquet"`.
        top_k: Maximum number of classes per clip.
        sample_size: Frames taken at equal intervals from each clip and
            modality; 0 takes all.
        batch_size: Clips per batch.
        shard: A pair `(index, count)`: every count-th file is predicted,
            starting with number `index`. Processes with all shards together
            predict all files.
        skip_corrupt_records: If True, corrupt records are left out and
            counted; otherwise they are errors.
        signals: Checked after each batch, if given.

    Returns:
        The result.

    Raises:
        FileNotFoundError: If a pattern matches no file, or a file disappears.
        ValueError: If a record is corrupt, a file is not a TFRecord file, the
            output folder is not writable or belongs to other files or
            settings, or an argument is out of range.
        ImportError: If the format needs a package that is missing.
        PredictionStopped: If a signal was received.
    """
    writer = writer_of(format)
    files = input_files.find_files(records)
    own = _files_of(shard, len(files))
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
    if not skip_corrupt_records:
        input_files.check_beginnings(files[index] for index in left)
    modalities = model.modalities
    total, rest = (sum(files[i].num_bytes for i in x) for x in (own, left))
    done = (len(own) - len(left), total - rest)
    with Progress(len(own), total, done) as progress:
        run = _FileRun(
            files,
            _FilePredictor(classes, folder, writer, progress, signals),
            description.select(modalities),
            sample_size,
            batch_size,
            skip_corrupt_records,
        )
        run.predict(left)
    return Outcome(
        progress.num_clips,
        len(left),
        len(files) - folder.num_done,
        progress.seconds,
        folder.summarize(),
    )


def _files_of(shard, num_files):
    """Returns the indices of a shard's files."""
    index, count = shard
    if not 0 <= index < count:
        raise ValueError(
            "Expected shard as (index, count) with index from 0 and below "
            f"count. Received: shard={shard}. Of two processes, one takes "
            "(0, 2) and the other (1, 2)."
        )
    return range(index, num_files, count)


class _CorruptFileError(Exception):
    """A file could not be read to its end.

    Attributes:
        offset: Byte up to which the records are known to be intact.
        num_clips: Number of its clips that were predicted.
    """

    def __init__(self, offset: int, num_clips: int):
        super().__init__(f"after {num_clips} clips, byte {offset}")
        self.offset = offset
        self.num_clips = num_clips


@dataclasses.dataclass
class _FileRun:
    """Predicts files one after the other and handles corrupt ones.

    Attributes:
        files: All files.
        predictor: Predicts one of them.
        description: Description of the records, with the modalities to read.
        sample_size: Frames taken from each clip and modality; 0 takes all.
        batch_size: Clips per batch.
        skip_corrupt_records: If True, corrupt records are left out.
    """

    files: list[InputFile]
    predictor: "_FilePredictor"
    description: Description
    sample_size: int
    batch_size: int
    skip_corrupt_records: bool

    def predict(self, left: Sequence[int]) -> None:
        """Predicts the files with these indices, in this order.

        Raises:
            FileNotFoundError: If a file has disappeared.
            ValueError: If a record is corrupt, or a batch is too large.
            PredictionStopped: If a signal was received.
        """
        batches = self._read(left)
        for place, index in enumerate(left):
            try:
                self.predictor.predict(index, self.files[index], batches)
            except _CorruptFileError as error:
                corrupt = self._leave_out_corrupt_records(index, error)
                self.predictor.progress.restart_file(error.num_clips)
                batches = self._read(left[place:])
                file = self.files[index]
                self.predictor.predict(index, file, batches, corrupt)
            except UNREADABLE as error:
                raise FileNotFoundError(
                    f"Expected to read {self.files[index].path}. Received: "
                    f"{error.message}. Restore the file and run the same "
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

    def _leave_out_corrupt_records(self, index, error):
        """Removes corrupt records from a file and returns them, or raises."""
        arguments = self.files[index], self.description, self.sample_size
        if self.skip_corrupt_records:
            self.files[index], found = input_files.intact_records(*arguments)
            if found:
                return found
        else:
            found = input_files.first_corrupt_record(*arguments, error.offset)
            if found:
                raise ValueError(
                    f"Expected intact records. Received: {found}. Make or copy "
                    "the file again, or leave out such records with "
                    "--skip_corrupt_records."
                ) from error
        raise error.__cause__ or error


@dataclasses.dataclass
class _FilePredictor:
    """Predicts files of records, one after the other.

    Attributes:
        classes: Computes the top classes of a batch.
        folder: Output folder.
        writer: Class that writes the format.
        progress: Updated with each batch.
        signals: Checked after each batch, if given.
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
        corrupt: Sequence[CorruptRecord] = (),
    ) -> None:
        """Writes the predictions of a file, or nothing.

        Args:
            index: Index of the file among all files.
            file: The file.
            batches: Batches of `read_files`, from the file's beginning on;
                they are consumed up to its end.
            corrupt: Records that are left out.

        Raises:
            _CorruptFileError: If the file cannot be read to its end.
            PredictionStopped: If a signal was received.
        """
        self.folder.sweep(index)
        with self.folder.writing(index) as path:
            with contextlib.closing(
                self.writer(path, self.classes.top_k)
            ) as rows:
                num_clips = self._write_all(rows, file, batches)
            self.folder.count(index, num_clips, corrupt)
        self.progress.end_file(file.num_bytes)

    def _write_all(self, rows, file, batches):
        """Writes up to the file's end and returns the number of clips."""
        num_clips, num_bytes = 0, 0
        try:
            for batch in iter(lambda: next(batches), None):
                self._write(rows, file, batch, num_clips)
                num_clips += len(batch.ids)
                num_bytes += batch.num_bytes
                self._check_signals()
        except CORRUPT_DATA as error:
            raise _CorruptFileError(num_bytes, num_clips) from error
        if not _is_complete(file, num_bytes):
            raise _CorruptFileError(num_bytes, num_clips)
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


def _is_complete(file, num_bytes):
    """Returns True if a file that was read to its end ends with a record.

    TensorFlow accepts an empty file, and less than a record's header at the
    end.
    """
    if file.runs != InputFile.runs:
        return True
    if num_bytes == file.num_bytes:
        return num_bytes > 0
    return record_framing.record_starts(file.path)[1]
