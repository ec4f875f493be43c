"""The unit of work of an extraction, and what is heard of it."""

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


@dataclasses.dataclass(frozen=True)
class ExtractionJob:
    """What all workers need to know.

    Attributes:
        directory: The dataset's folder, with `backbones/MODALITY.keras`.
        media_dir: The folder that the clips' paths start from; None where
            tasks name a source.
        description: The dataset.
        plan: What is taken from a file.
        inputs: The dataset that tasks' sources are of, if they name some.
        read_ahead: Files that are read before they are asked for.
        num_threads: Threads of a worker's matrix products; 1 gives the same
            bytes on any number of cores.
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
    """A file of records to be written.

    Attributes:
        split: The split.
        index: The shard's index in it.
        path: The file.
        rows: Its clips; empty where `source` has them.
        source: A file of records that holds what backbones receive.
    """

    split: str
    index: int
    path: pathlib.Path
    rows: tuple[ClipRow, ...] = ()
    source: pathlib.Path | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from others."""
        return self.split, self.index

    @property
    def begins_with(self) -> str:
        """The files that it begins with, for a message."""
        first = ", ".join(row.path for row in self.rows[:3])
        return first or str(self.source)


@dataclasses.dataclass(frozen=True)
class ClipEvent:
    """A clip of a shard was done.

    Attributes:
        key: The shard's.
        number: Clips of the shard that are done by now; 0 when it begins,
            also when it begins once more after a worker was lost.
        skipped: How many of them were left out.
    """

    key: tuple[str, int]
    number: int
    skipped: int


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """A shard was written.

    Attributes:
        key: The shard's.
        totals: What its file holds.
        seconds: Mapping from a stage to the time that it took.
    """

    key: tuple[str, int]
    totals: ShardTotals
    seconds: dict[str, float]


SUFFIX = ".problems.json"
TABLE = "problems.csv"


@dataclasses.dataclass(frozen=True)
class Problem:
    """What was wrong with a file.

    Attributes:
        split: The clip's split.
        clip: The clip's id.
        left_out: Whether the clip is not in the dataset therefore.
        message: What was wrong.
    """

    split: str
    clip: str
    left_out: bool
    message: str


def path_of(shard: pathlib.Path) -> pathlib.Path:
    """The file of a shard's problems."""
    return shard.with_suffix(SUFFIX)


def write(shard: pathlib.Path, problems: Iterable[Problem]) -> None:
    """Writes a shard's problems beside it; no file if there are none."""
    rows = [dataclasses.asdict(problem) for problem in problems]
    if rows:
        text = json.dumps(rows, indent=1) + "\n"
        atomic_file.write_text(path_of(shard), text)
    else:
        path_of(shard).unlink(missing_ok=True)


def read(shards: Iterable[pathlib.Path]) -> list[Problem]:
    """Reads the problems of some shards, in their order."""
    return [
        Problem(**row)
        for shard in shards
        if path_of(shard).is_file()
        for row in json.loads(path_of(shard).read_text(encoding="utf-8"))
    ]


def write_table(directory: pathlib.Path, problems: list[Problem]) -> None:
    """Writes `problems.csv` of a dataset; no file if there are none."""
    path = directory / TABLE
    if not problems:
        path.unlink(missing_ok=True)
        return
    names = [field.name for field in dataclasses.fields(Problem)]
    with atomic_file.atomic_path(path) as partial:
        with open(partial, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(names)
            table.writerows(dataclasses.astuple(x) for x in problems)


def lacking(shards: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Lists the shards that some of their clips were left out of."""
    return [
        shard
        for shard in shards
        if any(problem.left_out for problem in read([shard]))
    ]


MAX_LOSSES = 3  # workers that a shard may cost


class WorkerError(RuntimeError):
    """Workers failed in a way that others would too."""


class LostWorkers:
    """Counts the workers that each shard has cost."""

    def __init__(self):
        self._counts = collections.Counter()

    def note(self, task: ShardTask, how: str) -> None:
        """Counts a worker.

        Args:
            task: What it was at.
            how: How it ended.

        Raises:
            WorkerError: If it was the shard's third one.
        """
        self._counts[task.key] += 1
        if self._counts[task.key] == MAX_LOSSES:
            raise WorkerError(
                f"Expected to extract shard {task.index} of {task.split}, "
                f"which begins with {task.begins_with}. Received: "
                f"{MAX_LOSSES} workers lost on it, the last one by {how}. If "
                "memory is short, take fewer workers; else look for a file "
                "that a decoder crashes on and leave it out."
            )
