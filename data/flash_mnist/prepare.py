"""Makes Flash-MNIST and writes its local features as a dataset.

    python data/flash_mnist/prepare.py --output_dir=DIR

uses the digits that scikit-learn ships and needs no network. With
`--digits=mnist --mnist_dir=DIR` it makes the paper's dataset; see README.md
beside this file. A run that was stopped goes on where it was when the same
command is given again, and ends with the same bytes.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets import flash_mnist
from ac_keras.datasets import load_digits
from ac_keras.datasets.flash_mnist import FlashShards
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.datasets.flash_mnist import write_frame_digits
from ac_keras.datasets.flash_mnist import write_previews
from ac_keras.datasets.frame_cnn import Pretraining
from ac_keras.datasets.frame_cnn import make_extractor
from ac_keras.datasets.frame_cnn import pretrained_cnn
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

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

OF_PRETRAINING = (_BACKGROUNDS, _NUM_EMPTY, _CNN_EPOCHS, _CNN_SCHEDULE)
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
    decisive = (_DIGITS, _NUM_TRAIN, _NUM_VALIDATION, _NUM_TEST)
    decisive += (_WITH_REPLACEMENT, _BALANCED, _FEATURES, *OF_PRETRAINING[:3])
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


def make_makers(digits: dict[str, Digits]) -> dict[str, FlashMnist]:
    """Gives what makes the frames of each split."""
    train, test = (
        FlashMnist(digits[x], digits["train"], _WITH_REPLACEMENT.value)
        for x in ("train", "test")
    )
    return {"train": train, "validation": train, "test": test}


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    # One thread a call: sums then have one order, whatever the number of cores.
    # Extraction runs as many calls side by side as there are cores.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    directory = pathlib.Path(_OUTPUT_DIR.value)
    sizes = split_sizes()
    makers = make_makers(load_digits(_DIGITS.value, _MNIST_DIR.value))
    shards = FlashShards(
        makers, sizes, _CLIPS_PER_SHARD.value, stream, _BALANCED.value
    )
    writer = DatasetWriter(directory, describe(), shards.counts)
    of_frames = directory / flash_mnist.FILE_NAME
    if writer.is_complete:
        writer.finish()  # checks that no file was lost since
        print(f"{directory} is complete already.")
        if not of_frames.is_file():  # made by an earlier version
            write_frame_digits(directory, shards.frame_digits("test"))
            print(f"{of_frames} was added.")
        return
    cnn = pretrained_cnn(
        directory / "frame_cnn.weights.h5",
        makers,
        Pretraining(*(flag.value for flag in OF_PRETRAINING)),
        stream,
        _SEED.value,
    )
    extract = make_extractor(cnn, _FEATURES.value == "log_softmax")
    write_previews(directory, shards)
    missing = writer.missing_shards()
    made = shards.clips(missing, extract, keep_digits="test")

    def clips_of(split, index):
        yield from made(split, index)
        if (split, index) == missing[-1]:  # and before the manifest
            write_frame_digits(directory, shards.frame_digits("test"))

    manifest = writer.write(clips_of)
    for name, split in manifest.splits.items():
        print(f"{name}: {split.num_clips} clips, {len(split.shards)} files")
    print(f"Flash-MNIST is in {directory}")


if __name__ == "__main__":
    app.run(main)
