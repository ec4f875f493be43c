"""A dataset for cells that train in a second, and readers of their files."""

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
    epochs=9,  # the best is in the middle
    batch_size=16,
    learning_rate=0.2,
    schedule="cosine",
    warmup_epochs=1.5,
    dropout=0.2,
)


def write_dataset(
    directory, modalities=("rgb",), seed=0, splits=tuple(SIZES), **options
):
    """Writes clips of class means with so much noise that few are easy."""
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
    """Returns the number of epochs that a cell has completed."""
    try:
        return len(read_json(folder, "curve.json"))
    except FileNotFoundError:
        return 0


def metrics(folder):
    """Returns the values of a result and its curve, except times."""
    rows = [read_json(folder, "result.json"), *read_json(folder, "curve.json")]
    times = ("seconds", "clips_per_second", "training_seconds")
    return [{k: x for k, x in row.items() if k not in times} for row in rows]


def weights(folder):
    """Returns the bytes of each weight of the model, none of them zeros."""
    arrays = keras.models.load_model(folder / "model.keras").get_weights()
    assert all(np.abs(x).max() > 0 for x in arrays)
    return [x.tobytes() for x in arrays]


def contents(folder):
    """Returns the bytes and the modification time of every file."""
    return {
        str(x.relative_to(folder)): (x.read_bytes(), x.stat().st_mtime_ns)
        for x in folder.rglob("*")
        if x.is_file()
    }
