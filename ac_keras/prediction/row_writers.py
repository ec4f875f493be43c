r"""Writers of predictions: JSON lines, CSV and Parquet.

Every format has the same columns:

| column | value |
|---|---|
| `id` | id of the clip; empty if its record has none |
| `file` | absolute path of the file of records |
| `index` | number of the clip in the file, from 0; corrupt records count |
| `classes` | names of the most probable classes, best first |
| `scores` | their probabilities, float32 |

JSON lines and Parquet have lists in the last two; CSV has a column per entry:
`class_1`, `score_1`, `class_2` and so on. Scores have full precision: read as
float32, they are bit-exact in each format. Bytes of an id that are not UTF-8
are written as `\xNN`.
"""

import csv
import dataclasses
import json
import os

import numpy as np

from ac_keras.utils.optional_imports import import_optional

GROUP_ROWS = 1 << 16  # held in memory and written together


@dataclasses.dataclass(frozen=True)
class Rows:
    """Predictions for some clips of a file.

    Attributes:
        ids: Ids of the clips, bytes.
        file: Path of the file.
        index: Numbers of the clips in the file, int64 `(batch,)`.
        classes: Names, objects `(batch, top_k)`.
        scores: float32 `(batch, top_k)`.
    """

    ids: np.ndarray
    file: str
    index: np.ndarray
    classes: np.ndarray
    scores: np.ndarray

    def names(self) -> list[str]:
        """Returns the ids as text."""
        return [x.decode("utf-8", "backslashreplace") for x in self.ids]


class JsonLinesWriter:
    """Writes one JSON object per line.

    Args:
        path: The file to write.
        top_k: Number of classes per row.
    """

    suffix = ".jsonl"

    def __init__(self, path: str | os.PathLike, top_k: int):
        self._file = open(path, "w", encoding="utf-8", newline="")

    def write(self, rows: Rows) -> None:
        """Appends rows."""
        for name, index, classes, scores in zip(
            rows.names(),
            rows.index.tolist(),
            rows.classes.tolist(),
            rows.scores.tolist(),
            strict=True,
        ):
            row = {
                "id": name,
                "file": rows.file,
                "index": index,
                "classes": classes,
                "scores": scores,
            }
            self._file.write(json.dumps(row) + "\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class CsvWriter(JsonLinesWriter):
    """Writes a CSV header and one line per clip, as `JsonLinesWriter`."""

    suffix = ".csv"

    def __init__(self, path: str | os.PathLike, top_k: int):
        super().__init__(path, top_k)
        self._csv = csv.writer(self._file, lineterminator="\n")
        header = ["id", "file", "index"]
        for place in range(1, top_k + 1):
            header += [f"class_{place}", f"score_{place}"]
        self._csv.writerow(header)

    def write(self, rows: Rows) -> None:
        """Appends rows."""
        columns = [
            rows.names(),
            [rows.file] * len(rows.ids),
            rows.index.tolist(),
        ]
        for place in range(rows.scores.shape[1]):
            columns.append(rows.classes[:, place].tolist())
            columns.append(rows.scores[:, place].tolist())
        self._csv.writerows(zip(*columns, strict=True))


class ParquetWriter:
    """Writes a Parquet file; needs `ac-keras[parquet]`."""

    suffix = ".parquet"

    def __init__(self, path: str | os.PathLike, top_k: int):
        self._arrow, parquet = _import_arrow()
        self._top_k = top_k
        text, score = self._arrow.string(), self._arrow.float32()
        self._schema = self._arrow.schema(
            {
                "id": text,
                "file": text,
                "index": self._arrow.int64(),
                "classes": self._arrow.list_(text),
                "scores": self._arrow.list_(score),
            }
        )
        self._writer = parquet.ParquetWriter(str(path), self._schema)
        self._waiting, self._num_waiting = [], 0

    def write(self, rows: Rows) -> None:
        """Appends rows."""
        count = len(rows.ids)
        columns = [
            rows.names(),
            [rows.file] * count,
            rows.index,
            self._lists(rows.classes),
            self._lists(rows.scores),
        ]
        arrays = [
            self._arrow.array(x, field.type)
            for x, field in zip(columns, self._schema, strict=True)
        ]
        self._waiting.append(
            self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema)
        )
        self._num_waiting += count
        if self._num_waiting >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Closes the file."""
        self._flush()
        self._writer.close()

    def _flush(self):
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting)
            self._writer.write_table(table, row_group_size=len(table))
        self._waiting, self._num_waiting = [], 0

    def _lists(self, x):
        """Converts `(count, top_k)` to an array of lists."""
        ends = np.arange(len(x) + 1, dtype=np.int32) * self._top_k
        return self._arrow.ListArray.from_arrays(ends, x.ravel())


_WRITERS = {
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "parquet": ParquetWriter,
}
FORMATS = tuple(_WRITERS)


def writer_of(name: str) -> type:
    """Returns the class that writes a format.

    Raises:
        ValueError: If the format is unknown.
        ImportError: If it needs a package that is missing.
    """
    if name not in FORMATS:
        raise ValueError(
            f"Expected a format among {FORMATS}. Received: "
            f"format={name!r}. Pass one of them."
        )
    if name == "parquet":
        _import_arrow()
    return _WRITERS[name]


def _import_arrow():
    """Imports pyarrow and its module for Parquet."""
    names = "pyarrow", "pyarrow.parquet"
    return [import_optional(name, "parquet") for name in names]
