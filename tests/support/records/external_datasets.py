"""Datasets of others' records, small, and how they are read back."""

import numpy as np

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import scan_records
from support.records.external_records import VIDEO_MODALITIES
from support.records.external_records import dequantise
from support.records.external_records import equal_intervals
from support.records.plain_records import write_records

NUM_CLASSES = 3862
HALF_LEVEL = 4 / 512


def describe_videos(record_format="youtube8m", **kwargs):
    value_range = (-2 + HALF_LEVEL, 2 + HALF_LEVEL)
    arguments = {
        "name": "videos",
        "class_names": [f"class {i}" for i in range(NUM_CLASSES)],
        "modalities": {
            name: Modality(dim, "uint8", value_range)
            for name, dim in VIDEO_MODALITIES.items()
        },
        "multi_label": True,
        "record_format": record_format,
        **kwargs,
    }
    return Description(**arguments)


def scan(directory, description, **splits):
    """Writes splits, each a list of files, each a list of records; scans."""
    source = directory / "source"
    source.mkdir()
    files = {}
    for split, shards in splits.items():
        files[split] = [source / f"{split}{i}" for i in range(len(shards))]
        for path, records in zip(files[split], shards, strict=True):
            write_records(path, records)
    return scan_records(directory / "dataset", description, files)


def read(manifest, split="train", **kwargs):
    """A split's clips: id to features, counts and labels."""
    kwargs = {"batch_size": 4, **kwargs}
    return by_id(evaluation_batches(manifest, split, with_ids=True, **kwargs))


def by_id(batches):
    return {
        id.decode(): ({name: features[name][row] for name in features}, label)
        for features, labels, ids in batches.as_numpy_iterator()
        for row, (id, label) in enumerate(zip(ids, labels, strict=True))
    }


def sampled(frames, sample_size):
    """Rows of the frames at equal intervals, padded with zeros."""
    rows = np.zeros((sample_size, frames.shape[1]))
    taken = equal_intervals(len(frames), sample_size) if len(frames) else []
    rows[: len(taken)] = frames[taken]
    return rows


def assert_clip(features, frames, sample_size, decode=dequantise):
    """Compares one clip's features with what its raw arrays say."""
    for name, dim in VIDEO_MODALITIES.items():
        stored = frames.get(name)
        count = 0 if stored is None else len(stored)
        expected = np.zeros((sample_size, dim))
        if count:
            expected = sampled(decode(stored), sample_size)
        assert features[f"{name}_num_frames"] == min(count, sample_size)
        np.testing.assert_allclose(features[name], expected, atol=1e-6)
