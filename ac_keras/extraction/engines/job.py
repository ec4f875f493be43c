"""Unit of work of an extraction, its events, and problems with files."""

import collections
import csv
import dataclasses
import json
import pathlib
from collections.abc import Iterable

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.writer import ShardTotals
from ac_keras.utils import atomic_file

PROBLEMS_SUFFIX = ".problems.json"  # of a shard
PROBLEMS_TABLE = "problems.csv"  # of a dataset
MAX_LOSSES = 3  # workers that may be lost on one shard


@dataclasses.dataclass(frozen=True)
class ExtractionJob:
    """Settings for all workers.

    Attributes:
        directory: Folder of the dataset, with `backbones/MODALITY.keras`.
        media_dir: Folder that the clips' paths are relative to; None if tasks
            have a source.
        description: The dataset.
        plan: Frames and modalities to read.
        inputs: The dataset that tasks' sources belong to, if they have some.
        read_ahead: Number of files that are decoded ahead.
        num_threads: Threads of a worker's matrix products; with 1, the bytes
            do not depend on the number of cores.
    """

    directory: pathlib.Path
    media_dir: pathlib.Path | None
    description: Description
    plan: ExtractionPlan
    inputs: Description | None = None
    read_ahead: int = 2
    num_threads: int = 1


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """A file of records to write.

    Attributes:
        split: The split.
        index: Index of the shard in the split.
        path: The file.
        rows: Its clips; empty if `source` has them.
        source: A file of records that stores the backbones' inputs, or None.
    """

    split: str
    index: int
    path: pathlib.Path
    rows: tuple[ClipRow, ...] = ()
    source: pathlib.Path | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Split and index, which identify the shard."""
        return self.split, self.index


@dataclasses.dataclass(frozen=True)
class ClipEvent:
    """A clip of a shard is done.

    Attributes:
        key: Key of the shard.
        number: Number of clips of the shard done so far; 0 when it starts,
            also when it starts again after a worker was lost.
        skipped: Number of these clips that were left out.
    """

    key: tuple[str, int]
    number: int
    skipped: int


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """A shard is written.

    Attributes:
        key: Key of the shard.
        totals: Totals of its file.
        seconds: Mapping from a stage to the time that it took.
    """

    key: tuple[str, int]
    totals: ShardTotals
    seconds: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem with a clip's file.

    Attributes:
        split: Split of the clip.
        clip: Id of the clip.
        left_out: True if the clip is not in the dataset for this reason.
        message: Description of the problem.
    """

    split: str
    clip: str
    left_out: bool
    message: str


class WorkerError(RuntimeError):
    """Workers failed, and other workers would fail in the same way."""


class LostWorkers:
    """Counts the workers that were lost on each shard."""

    def __init__(self):
        self._counts = collections.Counter()

    def add(self, task: ShardTask, reason: str) -> None:
        """Counts a worker that was lost on a task.

        Raises:
            WorkerError: If it is the third one for the shard.
        """
        self._counts[task.key] += 1
        if self._counts[task.key] == MAX_LOSSES:
            first = ", ".join(row.path for row in task.rows[:3])
            raise WorkerError(
                f"Expected to extract shard {task.index} of {task.split}, "
                f"which begins with {first or task.source}. Received: "
                f"{MAX_LOSSES} workers lost on it, the last one by {reason}. "
                "If memory is short, use fewer workers; otherwise find a file "
                "that crashes a decoder and leave it out."
            )


def problems_path(shard: pathlib.Path) -> pathlib.Path:
    """Returns the path of a shard's problems."""
    return shard.with_suffix(PROBLEMS_SUFFIX)


def write_problems(shard: pathlib.Path, problems: Iterable[Problem]) -> None:
    """Writes a shard's problems beside it; no file if there are none."""
    rows = [dataclasses.asdict(problem) for problem in problems]
    if rows:
        text = json.dumps(rows, indent=1) + "\n"
        atomic_file.write_text(problems_path(shard), text)
    else:
        problems_path(shard).unlink(missing_ok=True)


def read_problems(shards: Iterable[pathlib.Path]) -> list[Problem]:
    """Reads the problems of some shards in order."""
    return [
        Problem(**row)
        for path in map(problems_path, shards)
        if path.is_file()
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def write_problems_table(
    directory: pathlib.Path, problems: list[Problem]
) -> None:
    """Writes `problems.csv` of a dataset; no file if there are none."""
    path = directory / PROBLEMS_TABLE
    if not problems:
        path.unlink(missing_ok=True)
        return
    names = [field.name for field in dataclasses.fields(Problem)]
    with (
        atomic_file.atomic_path(path) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(names)
        table.writerows(dataclasses.astuple(x) for x in problems)


def incomplete_shards(shards: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Returns the shards from which clips were left out."""
    return [
        shard
        for shard in shards
        if any(problem.left_out for problem in read_problems([shard]))
    ]
