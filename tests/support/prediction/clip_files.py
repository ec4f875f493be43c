"""Files of clips without labels, a classifier, and its predictions."""

import csv
import json

import numpy as np
import pyarrow.parquet
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.prediction import predict_files
from support.records.external_records import VIDEO_MODALITIES as DIMS
from support.records.external_records import make_feature
from support.records.plain_records import write_records

# One name of each kind that a format may stumble over.
CLASS_NAMES = ("cat", 'the "dog"', "ox, grey", "naïve owl", "two\nlines", "bee")
RANGE = (-2.0, 2.0)
NO_MODEL_TAKES = {"flow": Modality(3)}  # Nor do the records have it.
SIZES = (7, 5, 6)  # clips of each file
BATCH_SIZE = 3
FRAMING_BYTES = 16  # of a record around its data, 12 of them before
TOP_K = 3


def describe(**changes):
    modalities = {
        "audio": Modality(DIMS["audio"], "uint8", RANGE),
        **NO_MODEL_TAKES,
        "rgb": Modality(DIMS["rgb"]),
    }
    arguments = {
        "name": "clips",
        "class_names": CLASS_NAMES,
        "modalities": modalities,
        **changes,
    }
    return Description(**arguments)


def make_classifier():
    """A classifier with random weights, so that clips get unlike classes."""
    model = cluster_classifier(DIMS, {"rgb": 3, "audio": 2}, len(CLASS_NAMES))
    rng = np.random.default_rng(2)  # Every class is among a clip's best.
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


def draw_clip(seed):
    """Frames as they are stored: 1 to 6 of RGB, 0 to 3 of audio."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 7), rng.integers(4)
    return {
        "rgb": rng.normal(size=(counts[0], DIMS["rgb"])).astype("<f4"),
        "audio": rng.integers(
            0, 256, (counts[1], DIMS["audio"]), dtype=np.uint8
        ),
    }


def decode(clip):
    """Float frames of stored ones."""
    low, high = RANGE
    audio = low + clip["audio"].astype("float64") * (high - low) / 255
    return {**clip, "audio": audio}


def make_record(clip, id=None):
    """A clip's record, without labels."""
    values = {name: frames.tobytes() for name, frames in clip.items()}
    if id is not None:
        values["id"] = id
    features = {key: make_feature([value]) for key, value in values.items()}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString()


def clips_of(number):
    return [draw_clip((number, i)) for i in range(SIZES[number])]


def name_of(number):
    return f"part-{number}.tfrecord"


def records_of(number):
    """The records of a file, with their ids."""
    clips = enumerate(clips_of(number))
    return [make_record(clip, b"%d-%d" % (number, i)) for i, clip in clips]


def write_files(folder):
    """Writes the files of SIZES; the clips are those of `clips_of`."""
    for number in range(len(SIZES)):
        write_records(folder / name_of(number), records_of(number))
    return folder


def predict(folder, output, **changes):
    """Predicts a folder's files with a classifier of its own."""
    arguments = {
        "model": changes.pop("model", None) or make_classifier(),
        "description": describe(),
        "records": [str(folder / "part-*")],
        "output": output,
        "model_id": "0",
        "top_k": TOP_K,
        "batch_size": BATCH_SIZE,
        **changes,
    }
    return predict_files(**arguments)


def assert_predicted(output, model, clips, ids, tolerance=1e-5):
    """Checks a folder's rows against `model.predict`, sorted by NumPy.

    `clips` have float frames; a modality may be missing.
    """
    inputs = {}
    for name, dim in DIMS.items():
        values = [clip.get(name, ()) for clip in clips]
        counts = np.array([len(x) for x in values], "int32")
        frames = np.zeros((len(clips), counts.max(initial=1), dim), "float32")
        for row, count, value in zip(frames, counts, values, strict=True):
            row[:count] = np.reshape(value, (count, dim))
        inputs[name], inputs[f"{name}_num_frames"] = frames, counts
    probabilities = model.predict(inputs, verbose=0)
    best = np.argsort(-probabilities, axis=1)[:, :TOP_K]
    rows = read_folder(output)
    assert [row["id"] for row in rows] == ids
    assert [row["classes"] for row in rows] == [
        [CLASS_NAMES[i] for i in row] for row in best
    ]
    np.testing.assert_allclose(
        np.array([row["scores"] for row in rows]),
        np.take_along_axis(probabilities, best, axis=1),
        atol=tolerance,
    )


def place_of(index, number=1):
    """The first byte of a record of a file."""
    records = records_of(number)
    return sum(FRAMING_BYTES + len(record) for record in records[:index])


def read_rows(path):
    """A file's rows as dicts, scores as float32 bits."""
    rows = READERS[path.suffix](path)
    for row in rows:
        row["scores"] = np.array(row["scores"], "float32")
    return rows


def _read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [_from_columns(row) for row in csv.DictReader(file)]


def _from_columns(row):
    places = range(1, 1 + sum(key.startswith("class_") for key in row))
    return {
        "id": row["id"],
        "file": row["file"],
        "index": int(row["index"]),
        "classes": [row[f"class_{place}"] for place in places],
        "scores": [float(row[f"score_{place}"]) for place in places],
    }


READERS = {
    ".jsonl": lambda path: [
        json.loads(line) for line in path.read_text().splitlines()
    ],
    ".csv": _read_csv,
    ".parquet": lambda path: pyarrow.parquet.read_table(path).to_pylist(),
}


def read_folder(output):
    """The rows of all files, in the files' order."""
    paths = sorted(output.glob("0*-of-*"))
    return [row for path in paths for row in read_rows(path)]


def ids_of(output):
    return [row["id"] for row in read_folder(output)]


def ids_but(*left_out):
    """The ids of all clips of SIZES but some."""
    every = [f"{n}-{i}" for n, size in enumerate(SIZES) for i in range(size)]
    return [x for x in every if x not in left_out]
