"""Makes a dataset of features with the shape of Kinetics.

    python data/synthetic/prepare.py --output_dir=DIR

needs no videos and no network; README.md in this folder describes the clips.
The same command continues a run that was stopped and ends with the same bytes.
"""

import concurrent.futures
import dataclasses
import itertools
import os
from collections.abc import Iterator

import numpy as np
from absl import app
from absl import flags

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the dataset.", required=True
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", 400, "Number of classes.", lower_bound=2
)
_MODALITIES = flags.DEFINE_list(
    "modalities",
    "rgb:1536:25,flow:1536:25,audio:512:10-25",
    "NAME:DIM:FRAMES of each modality, FRAMES a number or FEWEST-MOST.",
)
_DTYPE = flags.DEFINE_enum(
    "dtype", "float16", ["float32", "float16"], "Stored dtype of the features."
)
_MAX_CLIPS = flags.DEFINE_integer(
    "max_clips_per_class",
    150,
    "Number of training clips of the first class; the others follow a power "
    "law.",
    lower_bound=1,
)
_MIN_CLIPS = flags.DEFINE_integer(
    "min_clips_per_class",
    15,
    "Number of training clips of the last class.",
    lower_bound=1,
)
_NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation",
    2_000,
    "Number of validation clips, equally many a class.",
    lower_bound=0,
)
_NUM_TEST = flags.DEFINE_integer(
    "num_test",
    2_000,
    "Number of test clips, equally many a class.",
    lower_bound=0,
)
_ABSENT_AUDIO = flags.DEFINE_float(
    "absent_audio",
    0.1,
    "Fraction of clips without the modality 'audio', if there is one.",
    lower_bound=0,
    upper_bound=1,
)
_MULTI_LABEL = flags.DEFINE_bool(
    "multi_label", False, "Whether a clip has one to five labels."
)
_KEY_SHARE = flags.DEFINE_float(
    "key_share",
    0.16,
    "Fraction of frames that show the class of the clip.",
    lower_bound=0,
    upper_bound=1,
)
_CONFUSION = flags.DEFINE_float(
    "confusion",
    0.3,
    "Fraction of those frames that show another class of its family instead.",
    lower_bound=0,
    upper_bound=1,
)
_NOISE = flags.DEFINE_float(
    "noise", 1.0, "Standard deviation of the noise of a feature.", lower_bound=0
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of all random numbers.", lower_bound=0
)
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 256, "Maximum number of clips in a file.", lower_bound=1
)

CHUNK = 16  # clips made at once
VIEWS = 3  # prototypes of a class, in each modality
FAMILY_SIZE = 10  # classes that look alike
BACKGROUNDS = 100  # prototypes of no class
ACTIVE = 0.25  # fraction of a prototype's features that are not 0
MOST_LABELS = 5
# Purposes of random streams, by which they are numbered.
STREAMS = ("prototypes", "labels", "clips")
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Frames:
    """The frames of one modality: their size and number in a clip."""

    dim: int
    fewest: int
    most: int


def stream(name: str, *index: int) -> np.random.Generator:
    """Returns the random stream of a purpose, which depends on the seed."""
    key = (STREAMS.index(name), *index)
    seeds = np.random.SeedSequence(_SEED.value, spawn_key=key)
    return np.random.Generator(np.random.SFC64(seeds))


def parse_modalities(values: list[str]) -> dict[str, Frames]:
    """Reads --modalities.

    Raises:
        app.UsageError: If a value is not NAME:DIM:FRAMES.
    """
    parsed = {}
    for value in values:
        name, _, rest = value.partition(":")
        dim, _, frames = rest.partition(":")
        fewest, _, most = frames.partition("-")
        numbers = (dim, fewest, most or fewest)
        whole = all(number.isdecimal() for number in numbers)
        layout = Frames(*map(int, numbers)) if whole else Frames(0, 0, 0)
        positive = layout.dim and 1 <= layout.fewest <= layout.most
        if not positive or not name.isidentifier() or name in parsed:
            raise app.UsageError(
                "Expected --modalities as NAME:DIM:FRAMES, every name once "
                f"and numbers of 1 or more. Received: {value!r}. Write for "
                "example rgb:1536:25,audio:512:10-25."
            )
        parsed[name] = layout
    return parsed


def clips_per_class() -> dict[str, np.ndarray]:
    """Counts each split's clips by their class, int64 `(num_classes,)`."""
    most, fewest, classes = (
        flag.value for flag in (_MAX_CLIPS, _MIN_CLIPS, _NUM_CLASSES)
    )
    if fewest > most:
        raise app.UsageError(
            "Expected --min_clips_per_class up to --max_clips_per_class. "
            f"Received: {fewest} and {most}. Swap them."
        )
    index = np.arange(classes)
    exponent = np.log(most / fewest) / np.log(classes)
    counts = {"train": np.rint(most * (index + 1.0) ** -exponent).astype(int)}
    for split, flag in zip(SPLITS[1:], (_NUM_VALIDATION, _NUM_TEST), strict=1):
        if flag.value:
            counts[split] = (flag.value + classes - 1 - index) // classes
    return counts


def shard_counts(counts: dict[str, np.ndarray]) -> dict[str, int]:
    """Counts each split's files."""
    most = _CLIPS_PER_SHARD.value
    return {split: -(-int(x.sum()) // most) for split, x in counts.items()}


def describe(modalities: dict[str, Frames]) -> Description:
    """Describes the dataset by the flags that decide its content."""
    decisive = (
        _MODALITIES,
        _MAX_CLIPS,
        _MIN_CLIPS,
        _NUM_VALIDATION,
        _NUM_TEST,
        _ABSENT_AUDIO,
        _KEY_SHARE,
        _CONFUSION,
        _NOISE,
    )
    return Description(
        name="synthetic",
        class_names=[f"class {i:03d}" for i in range(_NUM_CLASSES.value)],
        modalities={
            name: Modality(frames.dim, _DTYPE.value)
            for name, frames in modalities.items()
        },
        multi_label=_MULTI_LABEL.value,
        seed=_SEED.value,
        settings={flag.name: flag.value for flag in decisive},
    )


def make_prototypes(rng: np.random.Generator, dim: int) -> np.ndarray:
    """Draws the prototypes of frames: views of every class, then backgrounds.

    Returns:
        float32 `(num_classes * VIEWS + BACKGROUNDS, dim)`, mostly zeros.
    """
    classes = _NUM_CLASSES.value
    families = -(-classes // FAMILY_SIZE)

    def draw(count):
        sizes = rng.standard_exponential((count, dim), np.float32)
        return sizes * (rng.random((count, dim), np.float32) < ACTIVE)

    family = draw(families)[np.arange(classes * VIEWS) // VIEWS % families]
    views = (draw(classes * VIEWS) + family) / 2
    return np.concatenate([views, draw(BACKGROUNDS)])


class Clips:
    """Generator of clips, each from a separate random stream."""

    def __init__(self, modalities: dict[str, Frames]):
        self.modalities = modalities
        self.prototypes = {
            name: make_prototypes(stream("prototypes", index), frames.dim)
            for index, (name, frames) in enumerate(modalities.items())
        }
        self.labels = {
            split: stream("labels", SPLITS.index(split)).permutation(
                np.repeat(np.arange(len(counts), dtype=np.int32), counts)
            )
            for split, counts in clips_per_class().items()
        }

    def make(self, split: str, number: int) -> Clip:
        """Makes one clip of a split, by its number."""
        rng = stream("clips", SPLITS.index(split), number)
        every = self.labels[split]
        labels = [every[number]]
        if _MULTI_LABEL.value:
            others = rng.integers(len(every), size=rng.integers(MOST_LABELS))
            labels.extend(every[others])
        labels = list(dict.fromkeys(map(int, labels)))
        absent = rng.random() < _ABSENT_AUDIO.value
        return Clip(
            id=f"{split}-{number:07d}",
            labels=tuple(labels),
            frames={
                name: self._frames(rng, name, frames, labels)
                for name, frames in self.modalities.items()
                if not (name == "audio" and absent)
            },
        )

    def _frames(self, rng, name, frames, labels):
        """Makes `(num_frames, dim)`: key frames among backgrounds."""
        prototypes = self.prototypes[name]
        count = rng.integers(frames.fewest, frames.most, endpoint=True)
        first_background = _NUM_CLASSES.value * VIEWS
        shown = rng.integers(first_background, len(prototypes), count)
        key = rng.random(count) < _KEY_SHARE.value
        key[rng.integers(count)] = True
        label = self._seen_as(rng, rng.choice(labels, count))
        shown[key] = (label * VIEWS + rng.integers(VIEWS, size=count))[key]
        scene = prototypes[rng.integers(first_background, len(prototypes))]
        features = rng.standard_normal((count, frames.dim), np.float32)
        features *= np.float32(_NOISE.value)
        features += prototypes[shown]
        features += scene / 2
        return np.maximum(features, 0, out=features).astype(_DTYPE.value)

    def _seen_as(self, rng, labels):
        """Replaces some labels by others of their families."""
        step = -(-_NUM_CLASSES.value // FAMILY_SIZE)
        others = labels + step * rng.integers(1, FAMILY_SIZE, len(labels))
        mistaken = rng.random(len(labels)) < _CONFUSION.value
        return np.where(mistaken, others % _NUM_CLASSES.value, labels)


class Shards:
    """Generator of the clips of any shard, by all cores."""

    def __init__(self, clips: Clips, counts: dict[str, int]):
        self.make = clips.make
        self.sizes = {split: len(x) for split, x in clips.labels.items()}
        self.counts = counts
        self.num_threads = os.cpu_count() or 1
        self.pool = concurrent.futures.ThreadPoolExecutor(self.num_threads)

    def clips(self, split: str, index: int) -> Iterator[Clip]:
        """Yields a shard's clips in order."""
        size, count = self.sizes[split], self.counts[split]
        start, stop = index * size // count, (index + 1) * size // count
        jobs = (
            (split, range(first, min(first + CHUNK, stop)))
            for first in range(start, stop, CHUNK)
        )
        # A bounded number of chunks is in memory, whatever the shard's size.
        waiting = [
            self.pool.submit(self._chunk, *job)
            for job in itertools.islice(jobs, 2 * self.num_threads)
        ]
        while waiting:
            made = waiting.pop(0).result()
            for job in itertools.islice(jobs, 1):
                waiting.append(self.pool.submit(self._chunk, *job))
            yield from made

    def _chunk(self, split, numbers):
        return [self.make(split, number) for number in numbers]


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    modalities = parse_modalities(_MODALITIES.value)
    counts = shard_counts(clips_per_class())
    writer = DatasetWriter(_OUTPUT_DIR.value, describe(modalities), counts)
    if writer.is_complete:
        writer.finish()  # checks that no file is missing
        print(f"{writer.directory} is complete already.")
        return
    manifest = writer.write(Shards(Clips(modalities), counts).clips)
    for name, split in manifest.splits.items():
        print(f"{name}: {split.num_clips} clips, {len(split.shards)} files")
    print(f"The synthetic dataset is in {writer.directory}")


if __name__ == "__main__":
    app.run(main)
