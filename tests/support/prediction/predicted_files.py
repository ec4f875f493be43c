"""Files of predictions, read back by other means than they were written."""

import csv
import json

import numpy as np
import pyarrow.parquet

from support.prediction.clip_files import SIZES


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


def contents(folder):
    """All files of a folder, hidden ones too, by their paths in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def ids_of(output):
    return [row["id"] for row in read_folder(output)]


def ids_but(*left_out):
    """The ids of all clips of SIZES but some."""
    every = [f"{n}-{i}" for n, size in enumerate(SIZES) for i in range(size)]
    return [x for x in every if x not in left_out]
