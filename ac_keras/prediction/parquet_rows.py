"""Predictions as a Parquet file."""

import os

import numpy as np

from ac_keras.prediction.rows import Rows

GROUP_ROWS = 1 << 16  # held in memory and written together


class ParquetWriter:
    """Writes a Parquet file, needing ac-keras[parquet].

    Args:
        path: The file to write.
        top_k: How many classes a row names.
    """

    suffix = ".parquet"

    def __init__(self, path: str | os.PathLike, top_k: int):
        self._arrow, parquet = import_arrow()
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
        """Ends the file."""
        self._flush()
        self._writer.close()

    def _flush(self):
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting)
            self._writer.write_table(table, row_group_size=len(table))
        self._waiting, self._num_waiting = [], 0

    def _lists(self, x):
        """Turns `(count, top_k)` into an array of lists."""
        ends = np.arange(len(x) + 1, dtype=np.int32) * self._top_k
        return self._arrow.ListArray.from_arrays(ends, x.ravel())


def import_arrow():
    """Imports pyarrow and its Parquet.

    Raises:
        ImportError: If it is not there, or another NumPy than it needs.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Expected pyarrow, which writes Parquet. Received: "
            f"{error}. Install ac-keras[parquet]."
        ) from error
    return pyarrow, pyarrow.parquet
