"""Tiny datasets that can be learnt: class prototypes plus noise.

There is noise enough that losses stay far above float32's rounding.
"""

import numpy as np

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

CLASS_NAMES = ("cat", "dog", "fox", "ox", "bee", "owl")
SIZES = {"train": 96, "validation": 23, "test": 25}
NUM_SHARDS = {"train": 3, "validation": 1, "test": 2}
MODALITIES = {
    "rgb": Modality(6),
    "audio": Modality(4, "uint8", (-6.0, 6.0)),
    "flow": Modality(3, "float16"),
}
LONGEST = {"rgb": 7, "audio": 3, "flow": 2}
LACKS_AUDIO = 5  # every fifth clip
NUM_PREVIEWS = 4


def draw_clip(split, index, class_index):
    rng = np.random.default_rng([list(SIZES).index(split), index])
    prototypes = np.random.default_rng(0)
    frames = {}
    for name, modality in MODALITIES.items():
        means = prototypes.normal(size=(len(CLASS_NAMES), modality.dim))
        length = rng.integers(1, LONGEST[name] + 1) if index else LONGEST[name]
        noise = rng.normal(0, 0.8, (length, modality.dim))
        frames[name] = (means[class_index] + noise).astype("float32")
    if index % LACKS_AUDIO == 1:
        del frames["audio"]
    return frames


def make_clip(split, index, multi_label=False):
    """A clip; multi-label ones have one to three labels, the first is seen."""
    first = index * 7 % len(CLASS_NAMES)
    count = 1 + index % 3 if multi_label else 1
    return Clip(
        id=f"{split}-{index:03d}",
        labels=tuple((first + i) % len(CLASS_NAMES) for i in range(count)),
        frames=draw_clip(split, index, first),
    )


def write_dataset(directory, multi_label=False):
    """Writes train, validation and test in several files."""
    description = Description(
        "tiny", CLASS_NAMES, MODALITIES, multi_label=multi_label
    )
    writer = DatasetWriter(directory, description, NUM_SHARDS)

    def clips_of(split, shard):
        start = shard * SIZES[split] // NUM_SHARDS[split]
        stop = (shard + 1) * SIZES[split] // NUM_SHARDS[split]
        return (
            make_clip(split, index, multi_label) for index in range(start, stop)
        )

    return writer.write(clips_of)


def write_previews(directory):
    """Keeps noise as images of the first test clips."""
    shape = (NUM_PREVIEWS, LONGEST["rgb"], 4, 20)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    ids = [f"test-{index:03d}" for index in range(NUM_PREVIEWS)]
    np.savez(directory / "previews.npz", ids=np.array(ids), rgb=images)
