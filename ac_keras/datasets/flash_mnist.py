"""Flash-MNIST: noisy videos in which handwritten digits flash up."""

import collections
import concurrent.futures
import os
import pathlib
import zipfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ac_keras.datasets.digits import Digits
from ac_keras.pipeline import Clip
from ac_keras.utils import atomic_file

NUM_FRAMES = 25
NUM_DIGITS = 10
NUM_CLASSES = 2**NUM_DIGITS
EMPTY = NUM_DIGITS  # the label of a frame without a digit
MAX_PER_DIGIT = 2
_LEVELS = 2**16
_PIXELS_AT_ONCE = 2**17  # a multiple of 4, pixels of a random word
_IMAGES_AT_ONCE = 100


class FlashMnist:
    """Makes clips and single frames from digits.

    A clip has 25 frames of noise, its pixels drawn from the distribution of
    intensities in `noise_digits`. Its class is one of the 1,024 sets of
    digits. One or two images of each digit of the set are laid over frames
    picked at random, by the maximum of each pixel.

    The paper says that every image's frame is picked at random. An image has
    a frame of its own here, as in the authors' released code: with
    replacement, in about six clips of ten two images would share a frame and
    cover each other.

    Args:
        digits: The images to flash.
        noise_digits: The images whose intensities the noise has; the training
            split's, always.
        with_replacement: Whether two images may fall on the same frame.

    References:
        Long et al., Attention Clusters, section 4.1, supplement 1.1 and 1.2.
    """

    def __init__(
        self,
        digits: Digits,
        noise_digits: Digits,
        with_replacement: bool = False,
    ):
        order = np.argsort(digits.labels, kind="stable")
        self.images = digits.images[order]
        self.labels = digits.labels[order]
        self.counts = np.bincount(self.labels, minlength=NUM_DIGITS)
        if not self.counts.all():
            raise ValueError(
                "FlashMnist expects images of all ten digits. Received: "
                f"counts={self.counts.tolist()}."
            )
        self.starts = np.cumsum(self.counts) - self.counts
        self.with_replacement = with_replacement
        self.intensities = _intensity_table(noise_digits.images)

    def clips(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Makes a clip for each label.

        Args:
            labels: Integers `(batch,)` below 1,024; bit d says that digit d
                flashes.
            rng: Source of all randomness.

        Returns:
            uint8 `(batch, 25, 28, 28)`.
        """
        return self.clips_with_digits(labels, rng)[0]

    def clips_with_digits(
        self, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Makes the same clips and tells which digits each frame holds.

        Args:
            labels: As for `clips`.
            rng: As for `clips`, which takes as much from it.

        Returns:
            A pair: the clips, uint8 `(batch, 25, 28, 28)`, and bool `(batch,
            25, 10)`, whether an image of the digit lies on the frame. A frame
            without one has no True; with replacement a frame may have
            several, and images on it may cover each other.
        """
        batch = len(labels)
        frames = self.noise(batch * NUM_FRAMES, rng)
        member = present_digits(labels).astype(np.int64)
        repeats = member * rng.integers(1, MAX_PER_DIGIT + 1, member.shape)
        clip = np.repeat(np.arange(batch), repeats.sum(axis=1))
        digit = np.repeat(
            np.tile(np.arange(NUM_DIGITS), batch), repeats.ravel()
        )
        frame = clip * NUM_FRAMES + self._positions(repeats, clip, rng)
        picked = rng.random(len(digit)) * self.counts[digit]
        image = self.images[self.starts[digit] + picked.astype(np.int64)]
        if self.with_replacement:
            np.maximum.at(frames, frame, image)
        else:
            frames[frame] = np.maximum(frames[frame], image)
        digits = np.zeros((len(frames), NUM_DIGITS), bool)
        digits[frame, digit] = True
        shape = batch, NUM_FRAMES
        return (
            frames.reshape(*shape, *image.shape[1:]),
            digits.reshape(*shape, NUM_DIGITS),
        )

    def frames(
        self, per_image: int, num_empty: int, rng: np.random.Generator
    ) -> Digits:
        """Makes single frames to pretrain the CNN with, in random order.

        Args:
            per_image: Noise backgrounds for each digit image.
            num_empty: Frames without a digit.
            rng: Source of all randomness.

        Returns:
            Frames with their labels, 10 for one without a digit.
        """
        num_digits = per_image * len(self.images)
        frames = self.noise(num_digits + num_empty, rng)
        over = frames[:num_digits].reshape(per_image, *self.images.shape)
        np.maximum(over, self.images, out=over)
        labels = np.full(len(frames), EMPTY, np.uint8)
        labels[:num_digits] = np.tile(self.labels, per_image)
        order = rng.permutation(len(frames))
        return Digits(frames[order], labels[order])

    def noise(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws frames of noise, uint8 `(count, 28, 28)`."""
        pixels = np.empty((count, *self.images.shape[1:]), np.uint8)
        flat = pixels.reshape(-1)
        for first in range(0, flat.size, _PIXELS_AT_ONCE):
            part = flat[first : first + _PIXELS_AT_ONCE]
            words = rng.integers(0, 2**64, -(-part.size // 4), dtype=np.uint64)
            # Brackets would take twice as long.
            part[:] = self.intensities.take(words.view(np.uint16)[: part.size])
        return pixels

    def _positions(self, repeats, clip, rng):
        """Picks the frame of every image within its clip."""
        if self.with_replacement:
            return rng.integers(0, NUM_FRAMES, len(clip))
        order = np.argsort(rng.random((len(repeats), NUM_FRAMES)), axis=1)
        totals = repeats.sum(axis=1)
        slot = np.arange(len(clip)) - np.repeat(
            np.cumsum(totals) - totals, totals
        )
        return order[clip, slot]


def present_digits(labels: np.ndarray) -> np.ndarray:
    """Reads classes as sets of digits.

    Args:
        labels: Integers `(batch,)` below 1,024; bit d says that digit d is
            there.

    Returns:
        bool `(batch, 10)`.
    """
    labels = np.asarray(labels)[:, None]
    return (labels >> np.arange(NUM_DIGITS) & 1).astype(bool)


def class_names() -> list[str]:
    """Names the 1,024 classes by their digits, such as `{0,3,7}`."""
    return [
        "{" + ",".join(str(d) for d in range(NUM_DIGITS) if i >> d & 1) + "}"
        for i in range(NUM_CLASSES)
    ]


def count_intensities(images: np.ndarray) -> np.ndarray:
    """Counts the pixels of each intensity, int64 `(256,)`.

    Args:
        images: uint8 `(count, height, width)`.
    """
    # Counting turns pixels into int64, of which a cache holds some images'.
    return sum(
        np.bincount(images[first : first + _IMAGES_AT_ONCE].ravel(), None, 256)
        for first in range(0, len(images), _IMAGES_AT_ONCE)
    )


def _intensity_table(images: np.ndarray) -> np.ndarray:
    """Makes a table that a uniform uint16 looks its intensity up in.

    An intensity's share of the table is off from its share of the images by
    less than one entry in 65,536.
    """
    counts = count_intensities(images)
    ends = np.rint(np.cumsum(counts) * (_LEVELS / counts.sum()))
    shares = np.diff(ends.astype(np.int64), prepend=0)
    return np.repeat(np.arange(256, dtype=np.uint8), shares)


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


FILE_NAME = "frame_digits.npz"
_ANEW = (
    "Remove it, if it is there, and give the command that prepared the folder "
    "once more, `python data/flash_mnist/prepare.py --output_dir=...` with its "
    "other flags: it adds the file and leaves the records as they are."
)


class FrameDigits:
    """Tells the digits of every frame of the test clips.

    Args:
        directory: The dataset's folder, with a `frame_digits.npz` of `ids`
            and of `digits`, bool `(num_clips, num_frames, 10)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds something else.
    """

    def __init__(self, directory: str | os.PathLike):
        self.path = pathlib.Path(directory) / FILE_NAME
        if not self.path.is_file():
            raise FileNotFoundError(
                f"Expected the digits of every frame in {self.path}. Received: "
                f"no such file. {_ANEW}"
            )
        try:
            with np.load(self.path) as arrays:
                ids, self._digits = arrays["ids"], arrays["digits"]
        except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise self._refusal(str(error)) from error
        shape = self._digits.shape
        if (
            ids.ndim != 1
            or len(shape) != 3
            or (shape[0], shape[2]) != (len(ids), NUM_DIGITS)
            or self._digits.dtype != bool
        ):
            raise self._refusal(
                f"ids {ids.shape} and digits {shape} of {self._digits.dtype}"
            )
        self._rows = {name: row for row, name in enumerate(ids.tolist())}

    def of_clips(self, ids: Sequence[str], labels: np.ndarray) -> np.ndarray:
        """Gives the digits of some clips' frames.

        Args:
            ids: The clips.
            labels: Their classes, integers `(batch,)`; bit d says that digit
                d flashes.

        Returns:
            Bool `(batch, num_frames, 10)`, whether an image of the digit lies
            on the frame.

        Raises:
            ValueError: If the file lacks a clip, or has other digits for it
                than its class has.
        """
        lacking = [name for name in ids if name not in self._rows]
        if lacking:
            raise self._refusal(
                f"none of {len(lacking)} clips, first {lacking[0]}"
            )
        digits = self._digits[[self._rows[name] for name in ids]]
        of_class = present_digits(labels)
        wrong = np.flatnonzero((digits.any(axis=1) != of_class).any(axis=1))
        if len(wrong):
            first = wrong[0]
            raise self._refusal(
                f"digits {np.flatnonzero(digits[first].any(axis=0)).tolist()} "
                f"for {ids[first]}, which has "
                f"{np.flatnonzero(of_class[first]).tolist()}"
            )
        return digits

    def _refusal(self, received):
        return ValueError(
            f"Expected {self.path} to hold the digits of every frame of the "
            f"test clips. Received: {received}. {_ANEW}"
        )


def write_frame_digits(
    directory: str | os.PathLike, digits: np.ndarray
) -> None:
    """Keeps which digits lie on each frame of the test clips.

    Args:
        directory: The dataset's folder.
        digits: Bool `(num_clips, num_frames, 10)`, in the clips' order.
    """
    ids = np.array([f"test-{i:07d}" for i in range(len(digits))])
    path = pathlib.Path(directory) / FILE_NAME
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez(file, ids=ids, digits=digits)
