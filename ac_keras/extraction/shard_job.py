"""The unit of work of an extraction, and what is heard of it."""

import dataclasses
import pathlib

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.writer import ShardTotals


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
