"""Ways to prepare Flash-MNIST: as the program does, and plainer ones."""

import concurrent.futures
import functools
import os
import tempfile

import keras
import numpy as np

from ac_keras.datasets import Digits
from ac_keras.datasets import FlashMnist
from ac_keras.datasets.flash_mnist import CHUNK
from ac_keras.datasets.flash_mnist import NUM_CLASSES
from ac_keras.datasets.flash_mnist import NUM_FRAMES
from ac_keras.datasets.flash_mnist import FlashShards
from ac_keras.datasets.flash_mnist import class_names
from ac_keras.datasets.flash_mnist import count_intensities
from ac_keras.datasets.flash_mnist import write_frame_digits
from ac_keras.datasets.frame_cnn import BATCH_SIZE
from ac_keras.datasets.frame_cnn import make_extractor
from ac_keras.datasets.frame_cnn import train_frame_cnn
from ac_keras.models import frame_cnn
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from peers import plain_preparation

FLOOR, WHOLE = "noise and features alone", "as it is"
PRETRAINING = "pretraining"


def stream(split: str, *index: int) -> np.random.Generator:
    """Gives a random stream."""
    return np.random.Generator(np.random.SFC64([len(split), *index]))


def stage_ways(
    digits: Digits, cnn: keras.Model, num_steps: int
) -> dict[str, tuple]:
    """Gives, for each stage, the plain way, ours, and how much they do."""
    rng = stream("stages")
    maker = FlashMnist(digits, digits)
    plain = plain_preparation.PlainFlashMnist(digits, digits)
    clips = maker.clips(rng.integers(0, NUM_CLASSES, CHUNK), rng)
    num_frames = len(clips) * NUM_FRAMES
    many = np.tile(digits.images, (20, 1, 1))
    picked = rng.integers(0, len(digits.labels), num_steps * BATCH_SIZE)
    frames = Digits(digits.images[picked], digits.labels[picked])
    plain_features = plain_preparation.make_extractor(cnn)
    features = make_extractor(cnn)
    fit = plain_preparation.make_training(frame_cnn())
    epochs = train_frame_cnn(
        frame_cnn(), frames, keras.optimizers.Adam(), BATCH_SIZE, 10**6, rng
    )
    return {
        "intensities of images counted": (
            lambda: plain_preparation.count_intensities(many),
            lambda: count_intensities(many),
            len(many),
        ),
        "noise": (
            lambda: plain.noise(num_frames, rng),
            lambda: maker.noise(num_frames, rng),
            num_frames,
        ),
        "features": (
            lambda: plain_features(clips),
            lambda: features(clips),
            num_frames,
        ),
        PRETRAINING: (lambda: fit(frames), lambda: next(epochs), len(picked)),
    }


def write_dataset(
    digits, sizes, clips_per_shard, maker_class, extract, ahead=True, keep=True
) -> None:
    """Writes a small dataset, or parts of that the plain way."""
    makers = {x: maker_class(digits[x], digits["train"]) for x in sizes}
    shards = FlashShards(makers, sizes, clips_per_shard, stream)
    about = "flash_mnist", tuple(class_names()), {"rgb": Modality(50)}
    kept = "test" if keep else None
    with tempfile.TemporaryDirectory() as folder:
        writer = DatasetWriter(folder, Description(*about), shards.counts)
        missing = writer.missing_shards()
        clips_of = shards.clips(missing, extract, kept)
        for shard in missing:
            if not ahead:
                clips_of = shards.clips([shard], extract, kept)
            writer.write_shard(*shard, clips_of(*shard))
        write_frame_digits(folder, shards.frame_digits("test"))
        writer.finish()


def whole_ways(
    digits: dict[str, Digits],
    cnn: keras.Model,
    sizes: dict[str, int],
    clips_per_shard: int,
) -> dict:
    """Gives the floor, the whole, and the whole without what makes it fast."""
    ours, plain = FlashMnist, plain_preparation.PlainFlashMnist
    extract = make_extractor(cnn)
    plain_extract = plain_preparation.make_extractor(cnn)
    maker, cores = ours(digits["train"], digits["train"]), os.cpu_count()
    pool = concurrent.futures.ThreadPoolExecutor(cores)

    def make_chunk(first):
        noise = maker.noise(CHUNK * NUM_FRAMES, stream("floor", first))
        return extract(noise.reshape(CHUNK, NUM_FRAMES, *noise.shape[1:]))

    firsts = range(0, sum(sizes.values()), CHUNK)
    write = functools.partial(write_dataset, digits, sizes, clips_per_shard)
    return {
        FLOOR: lambda: list(pool.map(make_chunk, firsts)),
        WHOLE: lambda: write(ours, extract),
        "features by Keras's layers": lambda: write(ours, plain_extract),
        "noise by an index": lambda: write(plain, extract),
        "one shard after the other": lambda: write(ours, extract, ahead=False),
        "test clips made twice": lambda: write(ours, extract, keep=False),
        "all of these": lambda: write(plain, plain_extract, False, False),
    }
