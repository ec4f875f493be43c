"""Atomic writing of files: a file appears complete or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

PARTIAL = ".partial"


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a path to write to, and renames that file to `path` at the end.

    The path ends in `.partial` and is in the same folder, which must exist. The
    file is synced to disk before it is renamed, so that neither a kill nor a
    power failure leaves a partial file. An exception leaves no file.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file in UTF-8 atomically."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sweep(directory: str | os.PathLike) -> None:
    """Removes partial files that killed writers left in a folder."""
    for partial in pathlib.Path(directory).glob(f".*{PARTIAL}*"):
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_files(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a path in a temporary folder, and moves all its files at the end.

    The path has the same name, of the file that refers to the others; it moves
    last. Its final folder is created if missing. An exception leaves no file.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL
    ) as directory:
        partial = pathlib.Path(directory) / path.name
        yield partial
        files = [x for x in partial.parent.iterdir() if x != partial]
        for file in [*files, partial]:
            with open(file, "rb") as stream:
                os.fsync(stream.fileno())
            os.replace(file, path.parent / file.name)
