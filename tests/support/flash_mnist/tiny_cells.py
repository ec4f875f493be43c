"""A dataset for cells of a second each, and what they leave, read back."""

import dataclasses
import json

import keras
import numpy as np

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from cells import Cell
from cells import choose_protocol

CLASS_NAMES = ("cat", "dog", "fox", "ox", "bee", "owl")
SIZES = {"train": 96, "validation": 47, "test": 53}
DIM, NUM_FRAMES = 5, 7
PROTOCOL = dataclasses.replace(
    choose_protocol("paper", Cell("fc1", 1)),
    epochs=9,  # of which some in the middle are the best
    batch_size=16,
    learning_rate=0.2,
    schedule="cosine",
    warmup_epochs=1.5,
    dropout=0.2,
)


def write_dataset(
    directory, modalities=("rgb",), seed=0, splits=tuple(SIZES), **options
):
    """Writes means of classes plus noise that few clips stand out of."""
    description = Description(
        "tiny",
        CLASS_NAMES,
        {name: Modality(DIM) for name in modalities},
        seed=seed,
        **options,
    )
    writer = DatasetWriter(directory, description, dict.fromkeys(splits, 2))
    means = np.random.default_rng(seed).normal(size=(len(CLASS_NAMES), DIM))

    def clips_of(split, shard):
        for index in range(shard, SIZES[split], 2):
            rng = np.random.default_rng([seed, SIZES[split], index])
            label = index * 7 // 2 % len(CLASS_NAMES)
            length = rng.integers(1, NUM_FRAMES + 1) if index else NUM_FRAMES
            frames = means[label] + rng.normal(0, 1.5, (length, DIM))
            yield Clip(
                f"{split}-{index:03d}",
                (label,),
                {name: frames.astype("float32") for name in modalities},
            )

    return writer.write(clips_of)


def read_json(folder, name):
    return json.loads((folder / name).read_text())


def num_epochs(folder):
    """How many epochs a cell has done."""
    path = folder / "curve.json"
    return len(read_json(folder, path.name)) if path.is_file() else 0


def figures(folder):
    """All that a result and a curve tell but the times."""
    rows = [read_json(folder, "result.json"), *read_json(folder, "curve.json")]
    times = ("seconds", "clips_per_second", "training_seconds")
    return [{k: x for k, x in row.items() if k not in times} for row in rows]


def weights(folder):
    """The bytes of each of the kept model's weights, none of them zeros."""
    arrays = keras.models.load_model(folder / "model.keras").get_weights()
    assert all(np.abs(x).max() > 0 for x in arrays)
    return [x.tobytes() for x in arrays]


def contents(folder):
    """Every file's bytes and the time when it was written."""
    return {
        str(x.relative_to(folder)): (x.read_bytes(), x.stat().st_mtime_ns)
        for x in folder.rglob("*")
        if x.is_file()
    }
