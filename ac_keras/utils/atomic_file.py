"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

PARTIAL = ".partial"


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a path to write to, which becomes `path` at the block's end.

    The file is on the disk before it takes its name, so that neither a kill
    nor a power cut leaves half of it. An exception leaves nothing.

    Args:
        path: The file's final path; its folder exists.

    Yields:
        A path in the same folder whose name ends in `.partial`.
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
    """Writes a text file, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sweep(directory: str | os.PathLike) -> None:
    """Removes what killed writers left in a folder."""
    for partial in pathlib.Path(directory).glob(f".*{PARTIAL}*"):
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_files(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a path to write to whose files move to `path` at the block's end.

    Args:
        path: The final path of the file that names the others; its folder is
            made if need be.

    Yields:
        A path of the same name in a new folder. All that lies there at the
        end moves, the named file last. After an exception nothing does.
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
