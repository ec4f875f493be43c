"""Run of an extraction: from a table of media files to a dataset."""

import collections
import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import tqdm

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.engines import job as jobs
from ac_keras.extraction.engines.job import ClipEvent
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import ShardResult
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.pipeline import DatasetWriter

LOG_SECONDS = 30.0  # between two lines of progress without a terminal

Engine = Callable[..., Iterator[ShardResult]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of a run.

    Attributes:
        num_clips: Number of clips whose files were read.
        num_shards: Number of shards that were written.
        is_complete: True if the dataset is complete now.
        seconds: Duration of the run.
        stage_seconds: Mapping from a stage to its time, summed over workers.
        num_left_out: Number of clips of the whole dataset that are left out.
        num_in_part: Number of clips that are included despite a problem.
    """

    num_clips: int
    num_shards: int
    is_complete: bool
    seconds: float
    stage_seconds: dict[str, float]
    num_left_out: int
    num_in_part: int


def shard_tasks(
    writer: DatasetWriter, splits: dict[str, Sequence[ClipRow]]
) -> list[ShardTask]:
    """Divides splits into shards; `splits` has their clips in order."""
    tasks = []
    for split, count in writer.num_shards.items():
        rows, size = splits[split], len(splits[split])
        for index in range(count):
            part = rows[index * size // count : (index + 1) * size // count]
            path = writer.path(split, index).absolute()
            tasks.append(ShardTask(split, index, path, tuple(part)))
    return tasks


def run_extraction(
    writer: DatasetWriter,
    job: ExtractionJob,
    tasks: Sequence[ShardTask],
    sizes: Sequence[int],
    engine: Engine,
) -> Outcome:
    """Writes the missing shards, and the manifest if all are complete.

    Args:
        writer: Writer of the dataset.
        job: Settings for all workers.
        tasks: All shards.
        sizes: Number of clips of each shard.
        engine: Called with the job, tasks and a function for events; yields
            the result of each shard.

    Raises:
        ValueError: If no clip of the whole dataset can be used.
        WorkerError: If workers fail.
    """
    start, stages = time.monotonic(), collections.Counter()
    missing = set(writer.missing_shards())
    left = [task for task in tasks if task.key in missing]
    done = sum(
        size
        for task, size in zip(tasks, sizes, strict=True)
        if task.key not in missing
    )
    with _Progress(sum(sizes), done) as progress:
        results = engine(job, left, progress.add)
        with contextlib.closing(results):
            for result in results:
                writer.add_shard(*result.key, result.totals)
                stages.update(result.seconds)
                missing.discard(result.key)
    problems = jobs.read_problems(task.path for task in tasks)
    left_out = sum(problem.left_out for problem in problems)
    if not missing:
        if left_out == sum(sizes):
            raise ValueError(
                f"Expected one usable media file or more among {left_out}. "
                f"Received: {problems[0].clip}: {problems[0].message} The "
                "others are not usable either."
            )
        writer.finish()
        jobs.write_problems_table(writer.directory, problems)
    return Outcome(
        progress.num_clips,
        len(left) - len(missing),
        not missing,
        time.monotonic() - start,
        dict(stages),
        left_out,
        len({x.clip for x in problems if not x.left_out}),
    )


class _Progress:
    """Progress bar over clips, with the number of clips left out."""

    def __init__(self, num_clips, done):
        self._events = {}
        self._bar = tqdm.tqdm(
            total=num_clips,
            initial=done,
            desc="Extracting",
            unit="clip",
            mininterval=0.1 if sys.stderr.isatty() else LOG_SECONDS,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()

    @property
    def num_clips(self) -> int:
        """Number of clips done in this run, including those left out."""
        return sum(event.number for event in self._events.values())

    def add(self, event: ClipEvent) -> None:
        """Counts a clip, or removes those of a shard that starts again."""
        before = self._events.get(event.key)
        self._events[event.key] = event
        skipped = sum(event.skipped for event in self._events.values())
        if skipped:
            self._bar.set_postfix_str(f"{skipped:,} left out", refresh=False)
        self._bar.update(event.number - (before.number if before else 0))
