"""The formats that predictions are written in."""

from ac_keras.prediction.parquet_rows import ParquetWriter
from ac_keras.prediction.parquet_rows import import_arrow
from ac_keras.prediction.rows import CsvWriter
from ac_keras.prediction.rows import JsonLinesWriter

_WRITERS = {
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "parquet": ParquetWriter,
}
FORMATS = tuple(_WRITERS)


def writer_of(name: str) -> type:
    """Gives the class that writes a format.

    Raises:
        ValueError: If the format is unknown.
        ImportError: If it needs a package that is not there.
    """
    if name not in FORMATS:
        raise ValueError(
            f"Expected a format among {FORMATS}. Received: "
            f"format={name!r}. Name one of them."
        )
    if name == "parquet":
        import_arrow()
    return _WRITERS[name]
