"""Makes Flash-MNIST and writes its local features as a dataset.

    python data/flash_mnist/prepare.py --output_dir=DIR

uses the digits that scikit-learn ships and needs no network. With
`--digits=mnist --mnist_dir=DIR` it makes the paper's dataset; see README.md
beside this file. A run that was stopped goes on where it was when the same
command is given again, and ends with the same bytes.
"""

import concurrent.futures
import itertools
import os
import pathlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets import frame_digits
from ac_keras.datasets import load_digits
from ac_keras.datasets.flash_mnist import NUM_CLASSES
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.models import frame_cnn
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import atomic_file
from ac_keras.training import make_schedule

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the dataset.", required=True
)
_DIGITS = flags.DEFINE_enum(
    "digits", "uci", ["uci", "mnist"], "Whose digits flash."
)
_MNIST_DIR = flags.DEFINE_string(
    "mnist_dir",
    None,
    "Folder of MNIST's four IDX files, plain or .gz. Without it Keras "
    "downloads them.",
)
_NUM_TRAIN = flags.DEFINE_integer(
    "num_train", 102_400, "Clips of training digits.", lower_bound=1
)
_NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation",
    10_240,
    "How many of those are the validation split.",
    lower_bound=0,
)
_NUM_TEST = flags.DEFINE_integer(
    "num_test", 10_240, "Clips of test digits.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Decides everything.", lower_bound=0)
_WITH_REPLACEMENT = flags.DEFINE_bool(
    "with_replacement",
    False,
    "Whether two images may fall on one frame. About six clips in ten then "
    "have such a frame.",
)
_BALANCED = flags.DEFINE_bool(
    "balanced", False, "Whether all classes have equally many clips."
)
_FEATURES = flags.DEFINE_enum(
    "features",
    "relu",
    ["relu", "log_softmax"],
    "The CNN's 50 ReLU units, as in the paper, or the log softmax over them, "
    "as in the authors' released code.",
)
_DTYPE = flags.DEFINE_enum(
    "dtype", "float32", ["float32", "float16"], "How features are stored."
)
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 5_120, "Clips in a file, at most.", lower_bound=1
)
_BACKGROUNDS = flags.DEFINE_integer(
    "backgrounds", 5, "Pretraining: frames for each digit.", lower_bound=1
)
_NUM_EMPTY = flags.DEFINE_integer(
    "num_empty", 30_000, "Pretraining: frames without a digit.", lower_bound=0
)
_CNN_EPOCHS = flags.DEFINE_integer(
    "cnn_epochs", 1, "Pretraining: passes over these frames.", lower_bound=1
)
_CNN_SCHEDULE = flags.DEFINE_enum(
    "cnn_schedule",
    "constant",
    ["constant", "cosine"],
    "Pretraining: the learning rate stays, as in the paper, or goes to 0.",
)

CHUNK = 64  # clips made and extracted at once
CNN_BATCH_SIZE = 16  # the paper gives none; see README.md
CNN_LEARNING_RATE = 1e-3
STEPS_PER_EXECUTION = 32
PREVIEWS = 16
# What a random stream is for; each has a number of its own.
STREAMS = ("train", "validation", "test", "pretraining", "frame_test")


def stream(name: str, *index: int) -> np.random.Generator:
    """Gives the random stream for a purpose, fixed by the seed."""
    key = (_SEED.value, STREAMS.index(name), *index)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))


def split_sizes() -> dict[str, int]:
    """Counts the clips of each split."""
    num_train = _NUM_TRAIN.value - _NUM_VALIDATION.value
    if num_train < 1:
        raise app.UsageError(
            "Expected --num_train above --num_validation, which is a part of "
            f"it. Received: {_NUM_TRAIN.value} and {_NUM_VALIDATION.value}."
        )
    sizes = {"train": num_train, "validation": _NUM_VALIDATION.value}
    sizes = {name: size for name, size in sizes.items() if size}
    return {**sizes, "test": _NUM_TEST.value}


def describe() -> Description:
    """Describes the dataset by the flags that decide what is in it."""
    decisive = (
        _DIGITS,
        _NUM_TRAIN,
        _NUM_VALIDATION,
        _NUM_TEST,
        _WITH_REPLACEMENT,
        _BALANCED,
        _FEATURES,
        _BACKGROUNDS,
        _NUM_EMPTY,
        _CNN_EPOCHS,
    )
    settings = {flag.name: flag.value for flag in decisive}
    if _CNN_SCHEDULE.value != _CNN_SCHEDULE.default:
        # Only then: older datasets, which are the same, know no such setting.
        settings[_CNN_SCHEDULE.name] = _CNN_SCHEDULE.value
    return Description(
        name="flash_mnist",
        class_names=tuple(class_names()),
        modalities={"rgb": Modality(50, _DTYPE.value)},
        seed=_SEED.value,
        settings=settings,
    )


def learning_rate(num_frames: int):
    """Gives the rate of pretraining, or how it falls, for so many frames."""
    steps = -(-num_frames // CNN_BATCH_SIZE)
    return make_schedule(
        _CNN_SCHEDULE.value,
        CNN_LEARNING_RATE,
        total_steps=steps * _CNN_EPOCHS.value,
    )


def pretrained_cnn(directory: pathlib.Path, digits: dict[str, Digits]):
    """Loads the CNN of an earlier run, or trains it (supplement, 1.2)."""
    path = directory / "frame_cnn.weights.h5"
    keras.utils.set_random_seed(_SEED.value)
    cnn = frame_cnn()
    if path.is_file():
        cnn.load_weights(path)
        return cnn
    frames = FlashMnist(digits["train"], digits["train"]).frames(
        _BACKGROUNDS.value, _NUM_EMPTY.value, stream("pretraining")
    )
    # Bytes in, so that a frame is a byte a pixel until it is used.
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), cnn])
    model.compile(
        keras.optimizers.Adam(learning_rate(len(frames.labels))),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    logging.info("Pretraining the CNN on %d frames", len(frames.labels))
    model.fit(
        frames.images[..., None],
        frames.labels,
        batch_size=CNN_BATCH_SIZE,
        epochs=_CNN_EPOCHS.value,
        verbose=2,
    )
    test = FlashMnist(digits["test"], digits["train"]).frames(
        1, len(digits["test"].labels) // 10, stream("frame_test")
    )
    _, accuracy = model.evaluate(
        test.images[..., None], test.labels, batch_size=1000, verbose=0
    )
    logging.info("The CNN names %.2f %% of test frames", 100 * accuracy)
    with atomic_file.atomic_path(path) as partial:
        # Keras wants the name to end so.
        cnn.save_weights(f"{partial}.weights.h5")
        os.replace(f"{partial}.weights.h5", partial)
    return cnn


def make_extractor(cnn):
    """Makes a function from frames uint8 to local features."""
    model = keras.Model(cnn.inputs, cnn.get_layer("features").output)
    signature = tf.TensorSpec((None, 28, 28), tf.uint8)

    @tf.function(input_signature=[signature])
    def extract(frames):
        features = model(tf.cast(frames, tf.float32)[..., None] / 255)
        if _FEATURES.value == "log_softmax":
            features = tf.nn.log_softmax(features)
        return features

    return extract


class Shards:
    """Gives the clips of any shard, made by all cores.

    Args:
        digits: What flashes.
        extract: What makes features of frames; only `clips` needs it.
    """

    def __init__(self, digits: dict[str, Digits], extract=None):
        self.sizes = split_sizes()
        self.counts = {
            split: -(-size // _CLIPS_PER_SHARD.value)
            for split, size in self.sizes.items()
        }
        self.extract = extract
        sources = {"train": "train", "validation": "train", "test": "test"}
        self.makers = {
            split: FlashMnist(
                digits[sources[split]],
                digits["train"],
                _WITH_REPLACEMENT.value,
            )
            for split in self.sizes
        }
        self.num_threads = os.cpu_count() or 1
        self.pool = concurrent.futures.ThreadPoolExecutor(self.num_threads)

    def clips(self, split: str, index: int) -> Iterator[Clip]:
        """Yields a shard's clips in order."""
        for first, labels, features in self._chunks(split, index, self._clips):
            for offset, label in enumerate(labels):
                yield Clip(
                    id=f"{split}-{first + offset:07d}",
                    labels=(int(label),),
                    frames={"rgb": features[offset]},
                )

    def frame_digits(self, split: str) -> np.ndarray:
        """Tells the digits of a split's frames, bool `(clips, 25, 10)`."""
        return np.concatenate(
            [
                digits
                for index in range(self.counts[split])
                for digits in self._chunks(split, index, self._digits)
            ]
        )

    def frames(self, split, index, first, stop):
        """Makes some clips of a shard: classes, frames and their digits."""
        rng = stream(split, index, first)
        if _BALANCED.value:
            order = stream(split).permutation(self.sizes[split])
            labels = order[first:stop] % NUM_CLASSES
        else:
            labels = rng.integers(0, NUM_CLASSES, stop - first)
        return labels, *self.makers[split].clips_with_digits(labels, rng)

    def _chunks(self, split, index, make):
        """Yields what `make` makes of a shard's clips, in order."""
        size, count = self.sizes[split], self.counts[split]
        start, stop = index * size // count, (index + 1) * size // count
        jobs = (
            (split, index, first, min(first + CHUNK, stop))
            for first in range(start, stop, CHUNK)
        )
        # A bounded number of chunks is under way, whatever the shard's size.
        waiting = [
            self.pool.submit(make, *job)
            for job in itertools.islice(jobs, 2 * self.num_threads)
        ]
        while waiting:
            made = waiting.pop(0).result()
            for job in itertools.islice(jobs, 1):
                waiting.append(self.pool.submit(make, *job))
            yield made

    def _digits(self, *job):
        return self.frames(*job)[2]

    def _clips(self, split, index, first, stop):
        labels, frames, _ = self.frames(split, index, first, stop)
        features = self.extract(frames.reshape(-1, *frames.shape[2:]))
        return first, labels, features.numpy().reshape(*frames.shape[:2], -1)


def write_previews(path: pathlib.Path, shards: Shards) -> None:
    """Keeps the images of the first test clips, for pictures."""
    stop = min(CHUNK, shards.sizes["test"] // shards.counts["test"])
    labels, frames, _ = shards.frames("test", 0, 0, stop)
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez(
            file,
            ids=np.array([f"test-{i:07d}" for i in range(len(labels))])[
                :PREVIEWS
            ],
            labels=labels[:PREVIEWS],
            rgb=frames[:PREVIEWS],
        )


def write_frame_digits(path: pathlib.Path, shards: Shards) -> None:
    """Keeps which digits lie on each frame of the test clips."""
    digits = shards.frame_digits("test")
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        ids = np.array([f"test-{i:07d}" for i in range(len(digits))])
        np.savez(file, ids=ids, digits=digits)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    # One thread a call: sums then have one order, whatever the number of cores.
    # Extraction runs as many calls side by side as there are cores.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    directory = pathlib.Path(_OUTPUT_DIR.value)
    sizes = split_sizes()
    digits = load_digits(_DIGITS.value, _MNIST_DIR.value)
    counts = {
        split: -(-size // _CLIPS_PER_SHARD.value)
        for split, size in sizes.items()
    }
    writer = DatasetWriter(directory, describe(), counts)
    of_frames = directory / frame_digits.FILE_NAME
    if writer.is_complete:
        writer.finish()  # checks that no file was lost since
        print(f"{directory} is complete already.")
        if not of_frames.is_file():  # made by an earlier version
            write_frame_digits(of_frames, Shards(digits))
            print(f"{of_frames} was added.")
        return
    cnn = pretrained_cnn(directory, digits)
    shards = Shards(digits, make_extractor(cnn))
    write_previews(directory / "previews.npz", shards)
    write_frame_digits(of_frames, shards)
    manifest = writer.write(shards.clips)
    for name, split in manifest.splits.items():
        print(f"{name}: {split.num_clips} clips, {len(split.shards)} files")
    print(f"Flash-MNIST is in {directory}")


if __name__ == "__main__":
    app.run(main)
