"""Flash-MNIST as shards, and the files beside its records."""

import collections
import concurrent.futures
import os
import pathlib
import zipfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ac_keras.datasets.flash_mnist import NUM_CLASSES
from ac_keras.datasets.flash_mnist import NUM_DIGITS
from ac_keras.datasets.flash_mnist import FlashMnist
from ac_keras.datasets.flash_mnist import present_digits
from ac_keras.pipeline import Clip
from ac_keras.utils import atomic_file

NUM_PREVIEWS = 16
CHUNK = 64  # clips made and extracted at once, from one random stream
AHEAD = 8  # chunks a thread that are made before they are asked for
FILE_NAME = "frame_digits.npz"
_FIX = (
    "Remove it, if it is there, and run the command that prepared the folder "
    "again, `python data/flash_mnist/prepare.py --output_dir=...` with its "
    "other flags: it adds the file and leaves the records as they are."
)
_Job = tuple[str, int, int, int]  # split, shard, first and last clip but one


class FlashShards:
    """Generator of the clips of any shard, by all cores.

    The clips do not depend on the number of cores.

    Args:
        makers: Mapping from split to the generator of its clips.
        sizes: Mapping from split to its number of clips.
        clips_per_shard: Maximum number of clips of a shard.
        stream: Function that returns the random stream of a split or, with
            the number of a shard and of a chunk's first clip, of a chunk.
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
        # One more than cores, as a thread may wait for Python's lock.
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

        While a shard is written, the clips of the next one are made.

        Args:
            shards: Pairs of split and shard number.
            extract: Thread-safe function from frames `(batch, 25, 28, 28)` to
                features `(batch, 25, dim)`.
            keep_digits: Split whose frames' digits are kept, so that
                `frame_digits` does not make its clips again.

        Returns:
            A function that yields a shard's clips in order. Call it for the
            shards in the given order and read each to its end.
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
                        "FlashShards expects shards to be read in the order "
                        f"{shards}. Received: {(split, index)}. Call clips "
                        "again for another order."
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
        """Returns the digits of a split's frames, bool `(clips, 25, 10)`."""
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
        """Makes some clips of a shard: labels, frames and their digits."""
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
        """Yields results of `make` in order, a bounded number ahead."""
        waiting = collections.deque()
        for job in jobs:
            waiting.append(self._pool.submit(make, *job))
            if len(waiting) == AHEAD * self.num_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def write_previews(directory: str | os.PathLike, shards: FlashShards) -> None:
    """Writes the frames of the first test clips, for attention maps."""
    stop = min(CHUNK, shards.sizes["test"] // shards.counts["test"])
    labels, frames, _ = shards.frames("test", 0, 0, stop)
    count = min(NUM_PREVIEWS, stop)
    ids = np.array([f"test-{i:07d}" for i in range(count)])
    path = pathlib.Path(directory) / "previews.npz"
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez(file, ids=ids, labels=labels[:count], rgb=frames[:count])


class FrameDigits:
    """The digits on every frame of the test clips.

    Args:
        directory: Folder of the dataset, with a file `frame_digits.npz` of
            `ids` and `digits`, bool `(num_clips, num_frames, 10)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not valid.
    """

    def __init__(self, directory: str | os.PathLike):
        self.path = pathlib.Path(directory) / FILE_NAME
        if not self.path.is_file():
            raise FileNotFoundError(
                f"Expected the digits of every frame in {self.path}. Received: "
                f"no such file. {_FIX}"
            )
        try:
            with np.load(self.path) as arrays:
                ids, self._digits = arrays["ids"], arrays["digits"]
        except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise self._error(str(error)) from error
        shape = self._digits.shape
        if (
            ids.ndim != 1
            or len(shape) != 3
            or (shape[0], shape[2]) != (len(ids), NUM_DIGITS)
            or self._digits.dtype != bool
        ):
            raise self._error(
                f"ids {ids.shape} and digits {shape} of {self._digits.dtype}"
            )
        self._rows = {name: row for row, name in enumerate(ids.tolist())}

    def of_clips(self, ids: Sequence[str], labels: np.ndarray) -> np.ndarray:
        """Returns the digits of some clips' frames.

        Args:
            ids: Ids of the clips.
            labels: Labels of the clips, integers `(batch,)`; bit d is set if
                digit d flashes.

        Returns:
            Bool `(batch, num_frames, 10)`, True if an image of the digit lies
            on the frame.

        Raises:
            ValueError: If the file lacks a clip, or its digits are not those
                of the clip's class.
        """
        lacking = [name for name in ids if name not in self._rows]
        if lacking:
            raise self._error(
                f"none of {len(lacking)} clips, first {lacking[0]}"
            )
        digits = self._digits[[self._rows[name] for name in ids]]
        of_class = present_digits(labels)
        wrong = np.flatnonzero((digits.any(axis=1) != of_class).any(axis=1))
        if len(wrong):
            first = wrong[0]
            raise self._error(
                f"digits {np.flatnonzero(digits[first].any(axis=0)).tolist()} "
                f"for {ids[first]}, which has "
                f"{np.flatnonzero(of_class[first]).tolist()}"
            )
        return digits

    def _error(self, received):
        return ValueError(
            f"Expected {self.path} to hold the digits of every frame of the "
            f"test clips. Received: {received}. {_FIX}"
        )


def write_frame_digits(
    directory: str | os.PathLike, digits: np.ndarray
) -> None:
    """Writes the digits of test frames, bool `(num_clips, num_frames, 10)`."""
    ids = np.array([f"test-{i:07d}" for i in range(len(digits))])
    path = pathlib.Path(directory) / FILE_NAME
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez(file, ids=ids, digits=digits)
