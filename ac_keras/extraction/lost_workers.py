"""Workers that ended before their shard was written."""

import collections

from ac_keras.extraction.shard_job import ShardTask

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
