"""Small datasets, drawn at random or made so that frames tell their place."""

import numpy as np

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from support.records.external_records import sampled

CLASSES = ("run", "jump", "swim", "fly")
RGB = {"rgb": Modality(3)}
THREE = {
    "rgb": Modality(3),
    "audio": Modality(2, "float16"),
    "flow": Modality(4, "uint8", (-2.0, 2.0)),
}


def describe(modalities=None, **kwargs):
    arguments = {"name": "tiny", "class_names": CLASSES, **kwargs}
    return Description(modalities=modalities or RGB, **arguments)


def draw_features(rng, num_frames, modality):
    """Random frames that the modality stores without loss."""
    size = (num_frames, modality.dim)
    if modality.dtype == "uint8":
        return rng.integers(0, 256, size, dtype=np.uint8)
    return rng.normal(size=size).astype(modality.dtype)


def draw_labels(rng, description):
    if not description.multi_label:
        return (int(rng.integers(description.num_classes)),)
    chosen = rng.random(description.num_classes) < 0.5
    return tuple(int(x) for x in np.flatnonzero(chosen))


def draw_clips(description, count, seed=0, longest=7):
    rng = np.random.default_rng(seed)
    return [
        Clip(
            f"clip-{seed}-{i}",
            draw_labels(rng, description),
            {
                name: draw_features(rng, rng.integers(0, longest + 1), modality)
                for name, modality in description.modalities.items()
            },
        )
        for i in range(count)
    ]


def write_dataset(directory, description, **splits):
    """Writes splits, each a list of shards, each a list of clips."""
    counts = {split: len(shards) for split, shards in splits.items()}
    writer = DatasetWriter(directory, description, counts)
    return writer.write(lambda split, index: splits[split][index])


def numbered_clips(first, count, num_frames=5):
    """Clips whose features are the clip's number and the frame's."""
    return [
        Clip(
            id=str(number),
            labels=(number % len(CLASSES),),
            frames={
                "rgb": np.array(
                    [(number, t, 1) for t in range(num_frames)], "float32"
                )
            },
        )
        for number in range(first, first + count)
    ]


def write_numbered(directory, shard_sizes=(10,), num_frames=5):
    """A dataset of numbered clips, its shards of the given sizes."""
    starts = np.cumsum(shard_sizes) - shard_sizes
    shards = [
        numbered_clips(int(start), size, num_frames)
        for start, size in zip(starts, shard_sizes, strict=True)
    ]
    return write_dataset(directory, describe(), train=shards)


def expected_features(clip, name, modality):
    """A clip's features as the reader gives them, in plain NumPy."""
    frames = clip.frames.get(name, np.zeros((0, modality.dim)))
    if modality.dtype == "uint8":
        low, high = modality.value_range
        frames = low + frames.astype("float64") * (high - low) / 255
    return frames.astype("float32")


def assert_clips(found, clips, description, sample_size=0):
    """Compares every number that was read, padding and labels too."""
    assert sorted(found) == sorted(clip.id for clip in clips)
    for clip in clips:
        features, label = found[clip.id]
        classes = np.isin(range(description.num_classes), clip.labels)
        expected = classes if description.multi_label else clip.labels[0]
        np.testing.assert_array_equal(label, expected)
        for name, modality in description.modalities.items():
            size = sample_size or max(len(x.frames[name]) for x in clips)
            frames = expected_features(clip, name, modality)
            assert features[f"{name}_num_frames"] == min(len(frames), size)
            np.testing.assert_allclose(
                features[name],
                sampled(frames, size),
                rtol=0,
                atol=1e-6 if modality.dtype == "uint8" else 0,
            )
