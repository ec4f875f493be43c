"""Records of YouTube-8M and MediaSequence, and datasets of them.

Records are made with protobuf alone: keys, layout and numbers are those of the
datasets' documentation. Their keys are in random order, as in external files.
"""

import numpy as np
import tensorflow as tf

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import scan_records
from support.records.plain_records import write_records

VIDEO_MODALITIES = {"rgb": 8, "audio": 4}  # dims, small


def encode_varint(number, padding=0):
    """Encodes a number in groups of seven bits, with empty ones at the end."""
    data = []
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data = [*data, number]
    for _ in range(padding):
        data[-1] |= 128
        data.append(0)
    return bytes(data)


def encode_field(number, payload, padding=0):
    """Encodes a field that has a length."""
    length = encode_varint(len(payload), padding)
    return bytes([number << 3 | 2]) + length + payload


def make_feature(values):
    if isinstance(values[0], bytes):
        value = tf.train.BytesList(value=values)
        return tf.train.Feature(bytes_list=value)
    if isinstance(values[0], float):
        value = tf.train.FloatList(value=values)
        return tf.train.Feature(float_list=value)
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _entries(rng, messages):
    """A map's entries in random order."""
    keys = list(messages)
    rng.shuffle(keys)
    return b"".join(
        encode_field(
            1,
            encode_field(1, key.encode())
            + encode_field(2, messages[key].SerializeToString()),
        )
        for key in keys
    )


def sequence_record(rng, context, lists):
    """A serialized SequenceExample.

    `context` maps keys to lists of values, `lists` keys to lists of those.
    Empty lists of the context are left out.
    """
    features = {k: make_feature(v) for k, v in context.items() if len(v)}
    sequences = {
        key: tf.train.FeatureList(feature=[make_feature(v) for v in steps])
        for key, steps in lists.items()
    }
    parts = [
        encode_field(1, _entries(rng, features)),
        encode_field(2, _entries(rng, sequences)),
    ]
    rng.shuffle(parts)
    return b"".join(parts)


def draw_video(rng, number, num_frames, labels, without=()):
    """A video as plain values: bytes of each frame under `frames`."""
    return {
        "id": f"vid{number}",
        "labels": [int(label) for label in labels],
        "frames": {
            name: rng.integers(0, 256, (num_frames, dim), dtype=np.uint8)
            for name, dim in VIDEO_MODALITIES.items()
            if name not in without
        },
    }


def video_record(rng, video, **context):
    """A video's record; `context` adds or replaces keys."""
    return sequence_record(
        rng,
        {
            "id": [video["id"].encode()],
            "labels": video["labels"],
            **context,
        },
        {
            name: [[frame.tobytes()] for frame in frames]
            for name, frames in video["frames"].items()
        },
    )


def segment_record(rng, video, ratings):
    """A rated video's record; `ratings` are (start, label, score)."""
    return video_record(
        rng,
        video,
        segment_start_times=[int(start) for start, _, _ in ratings],
        segment_labels=[int(label) for _, label, _ in ratings],
        segment_scores=[float(score) for _, _, score in ratings],
    )


def dequantise(levels):
    """The value of a byte of YouTube-8M: q * 4/255 + 4/512 - 2."""
    return np.asarray(levels, "float64") * 4.0 / 255.0 + 4.0 / 512.0 - 2.0


def equal_intervals(num_frames, sample_size):
    """Middle frames of equal intervals; all frames of a shorter clip."""
    count = min(num_frames, sample_size)
    return [int((i + 0.5) * num_frames / count) for i in range(count)]


def media_record(rng, id, labels, frames, names=()):
    """A MediaSequence record; `frames` maps prefixes to `(steps, dim)`."""
    lists = {}
    for prefix, steps in frames.items():
        lists[f"{prefix}/feature/floats"] = [
            [float(x) for x in step] for step in steps
        ]
        lists[f"{prefix}/feature/timestamp"] = [
            [1_000_000 * t] for t in range(len(steps))
        ]
    return sequence_record(
        rng,
        {
            "example/id": [id.encode()],
            "clip/label/index": [int(label) for label in labels],
            "clip/label/string": [name.encode() for name in names],
            "clip/data_path": [f"{id}.mp4".encode()],
        },
        lists,
    )


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
