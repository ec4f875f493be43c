"""A whole extraction: from a table of media files to a dataset."""

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
from ac_keras.extraction.engines import job as shard_problems
from ac_keras.extraction.engines.job import ClipEvent
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import ShardResult
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.pipeline import DatasetWriter

LOG_SECONDS = 30.0  # between two lines where there is no terminal


class ExtractionProgress:
    """A bar over clips, with clips a second, time left and clips left out.

    Args:
        num_clips: Clips of the dataset.
        done: Those whose shards were there before.
    """

    def __init__(self, num_clips: int, done: int):
        self._events = {}
        self._bar = tqdm.tqdm(
            total=num_clips,
            initial=done,
            desc="Extracting",
            unit="clip",
            mininterval=0.1 if sys.stderr.isatty() else LOG_SECONDS,
        )

    def __enter__(self) -> "ExtractionProgress":
        return self

    def __exit__(self, *exception):
        self._bar.close()

    @property
    def num_clips(self) -> int:
        """Clips that were done in this run, those left out among them."""
        return sum(event.number for event in self._events.values())

    @property
    def num_skipped(self) -> int:
        """How many of them were left out."""
        return sum(event.skipped for event in self._events.values())

    def hear(self, event: ClipEvent) -> None:
        """Counts a clip, or takes back those of a shard that begins anew."""
        before = self._events.get(event.key)
        self._events[event.key] = event
        if self.num_skipped:
            text = f"{self.num_skipped:,} left out"
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(event.number - (before.number if before else 0))


Engine = Callable[..., Iterator[ShardResult]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run has done.

    Attributes:
        num_clips: Clips whose files it has looked at.
        num_shards: Shards that it wrote.
        is_complete: Whether the dataset is whole now.
        seconds: How long it took.
        stage_seconds: Mapping from a stage to the time that all workers
            together spent on it.
        num_left_out: Clips of the whole dataset that are left out.
        num_in_part: Clips that something was wrong with and that are in it.
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
    """Cuts splits into shards.

    Args:
        writer: Writes the dataset.
        splits: Mapping from a split to its clips, in their order.

    Returns:
        All shards.
    """
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
    """Writes the shards that are missing, and the manifest if none is left.

    Args:
        writer: Writes the dataset.
        job: What all workers need to know.
        tasks: All shards.
        sizes: Clips of each.
        engine: Called with job, tasks and a function for events; yields what
            came of each shard.

    Returns:
        What was done.

    Raises:
        ValueError: If no clip of the whole dataset could be used.
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
    with ExtractionProgress(sum(sizes), done) as progress:
        results = engine(job, left, progress.hear)
        with contextlib.closing(results):
            for result in results:
                writer.add_shard(*result.key, result.totals)
                stages.update(result.seconds)
                missing.discard(result.key)
    problems = shard_problems.read(task.path for task in tasks)
    left_out = sum(problem.left_out for problem in problems)
    if not missing:
        if left_out == sum(sizes):
            raise ValueError(
                f"Expected a media file that can be used among {left_out}. "
                f"Received: {problems[0].clip}: {problems[0].message} The "
                "others cannot be used either."
            )
        writer.finish()
        shard_problems.write_table(writer.directory, problems)
    return Outcome(
        progress.num_clips,
        len(left) - len(missing),
        not missing,
        time.monotonic() - start,
        dict(stages),
        left_out,
        len({x.clip for x in problems if not x.left_out}),
    )
