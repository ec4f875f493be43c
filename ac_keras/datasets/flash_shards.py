"""Flash-MNIST's clips, shard by shard, made by all cores."""

import collections
import concurrent.futures
import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterator

import numpy as np

from ac_keras.datasets.flash_mnist import NUM_CLASSES
from ac_keras.datasets.flash_mnist import FlashMnist
from ac_keras.pipeline import Clip
from ac_keras.utils import atomic_file

NUM_PREVIEWS = 16
CHUNK = 64  # clips made and extracted at once, by one random stream
AHEAD = 8  # chunks that a thread may be ahead of whoever takes them
_Job = tuple[str, int, int, int]  # split, shard, first and last clip but one


class FlashShards:
    """Gives the clips of any shard, the same however many cores make them.

    Args:
        makers: What makes the clips of each split.
        sizes: Clips of each split.
        clips_per_shard: Clips of a shard, at most.
        stream: Gives the random stream of a split or, with the numbers of a
            shard and of its chunk's first clip, of a chunk.
        balanced: Whether all classes have equally many clips.
    """

    def __init__(
        self,
        makers: dict[str, FlashMnist],
        sizes: dict[str, int],
        clips_per_shard: int,
        stream: Callable[..., np.random.Generator],
        balanced: bool = False,
    ):
        self.makers = makers
        self.sizes = sizes
        self.counts = {
            split: -(-size // clips_per_shard) for split, size in sizes.items()
        }
        self.stream = stream
        self.balanced = balanced
        # One more than cores, for at times one waits for Python's lock.
        self.num_threads = (os.cpu_count() or 1) + 1
        self._pool = concurrent.futures.ThreadPoolExecutor(self.num_threads)
        self._kept: dict[_Job, np.ndarray] = {}

    def clips(
        self,
        shards: list[tuple[str, int]],
        extract: Callable[[np.ndarray], np.ndarray],
        keep_digits: str | None = None,
    ) -> Callable[[str, int], Iterator[Clip]]:
        """Makes the clips of some shards.

        While a shard is written the next one's clips are made already.

        Args:
            shards: Pairs of split and number.
            extract: Gives features `(batch, 25, dim)` of frames `(batch, 25,
                28, 28)`; called by several threads side by side.
            keep_digits: A split whose frames' digits shall be kept, so that
                `frame_digits` need not make its clips again.

        Returns:
            A function that yields a shard's clips in order, to be asked for
            the shards in the order given, each to its end.
        """
        jobs = [job for shard in shards for job in self._jobs(*shard)]

        def make(*job):
            labels, frames, digits = self.frames(*job)
            return labels, extract(frames), digits

        made = zip(jobs, self._in_order(make, jobs), strict=True)

        def clips_of(split: str, index: int) -> Iterator[Clip]:
            for expected in self._jobs(split, index):
                job, found = next(made, (None, None))
                if job != expected:
                    raise ValueError(
                        "FlashShards expects to be asked for shards in the "
                        f"order {shards}. Received: {(split, index)} out of "
                        "turn. Call clips anew for another order."
                    )
                labels, features, digits = found
                if split == keep_digits:
                    self._kept[job] = digits
                for offset, label in enumerate(labels.tolist()):
                    yield Clip(
                        id=f"{split}-{job[2] + offset:07d}",
                        labels=(label,),
                        frames={"rgb": features[offset]},
                    )

        return clips_of

    def frame_digits(self, split: str) -> np.ndarray:
        """Tells the digits of a split's frames, bool `(clips, 25, 10)`."""
        jobs = [
            job
            for index in range(self.counts[split])
            for job in self._jobs(split, index)
        ]
        lacking = [job for job in jobs if job not in self._kept]
        made = self._in_order(lambda *job: self.frames(*job)[2], lacking)
        found = {**self._kept, **dict(zip(lacking, made, strict=True))}
        return np.concatenate([found[job] for job in jobs])

    def frames(
        self, split: str, index: int, first: int, stop: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Makes some clips of a shard: classes, frames and their digits."""
        rng = self.stream(split, index, first)
        if self.balanced:
            order = self.stream(split).permutation(self.sizes[split])
            labels = order[first:stop] % NUM_CLASSES
        else:
            labels = rng.integers(0, NUM_CLASSES, stop - first)
        return labels, *self.makers[split].clips_with_digits(labels, rng)

    def _jobs(self, split: str, index: int) -> list[_Job]:
        size, count = self.sizes[split], self.counts[split]
        start, stop = index * size // count, (index + 1) * size // count
        return [
            (split, index, first, min(first + CHUNK, stop))
            for first in range(start, stop, CHUNK)
        ]

    def _in_order(self, make, jobs):
        """Yields what `make` makes of jobs, side by side, a bounded lot."""
        waiting = collections.deque()
        for job in jobs:
            waiting.append(self._pool.submit(make, *job))
            if len(waiting) == AHEAD * self.num_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def write_previews(directory: str | os.PathLike, shards: FlashShards) -> None:
    """Keeps the images of the first test clips, for pictures.

    Args:
        directory: The dataset's folder.
        shards: What makes the clips.
    """
    stop = min(CHUNK, shards.sizes["test"] // shards.counts["test"])
    labels, frames, _ = shards.frames("test", 0, 0, stop)
    count = min(NUM_PREVIEWS, stop)
    ids = np.array([f"test-{i:07d}" for i in range(count)])
    path = pathlib.Path(directory) / "previews.npz"
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez(file, ids=ids, labels=labels[:count], rgb=frames[:count])
