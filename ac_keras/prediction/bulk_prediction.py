"""Predictions for all clips of many files."""

import dataclasses
import os
from collections.abc import Sequence

import keras

from ac_keras.pipeline import Description
from ac_keras.prediction.file_predictor import FilePredictor
from ac_keras.prediction.file_predictor import Signals
from ac_keras.prediction.file_run import FileRun
from ac_keras.prediction.formats import writer_of
from ac_keras.prediction.input_files import check_beginnings
from ac_keras.prediction.input_files import find_files
from ac_keras.prediction.output_folder import OutputFolder
from ac_keras.prediction.progress import Progress
from ac_keras.prediction.top_classes import TopClasses


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
