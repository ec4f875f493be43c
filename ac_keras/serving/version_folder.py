"""Versions of a model that a server finds whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import socket
from collections.abc import Iterator

PARTIAL = ".partial"


class NewVersion:
    """A version that is being written.

    Attributes:
        partial: Where to write it.
        path: Its folder once it has its number; None before.
    """

    def __init__(self, partial: pathlib.Path):
        self.partial = partial
        self.path = None


@contextlib.contextmanager
def new_version(directory: str | os.PathLike) -> Iterator[NewVersion]:
    """Gives a folder to write, which becomes the next version.

    It has a name that no server takes for a version until the block ends; an
    exception leaves nothing.

    Args:
        directory: The folder of the versions; made if need be.

    Yields:
        The version.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname()
    _sweep(directory, host)
    version = NewVersion(directory / f".{host}.{os.getpid()}{PARTIAL}")
    try:
        yield version
        version.path = _give_number(version.partial, directory)
    finally:
        shutil.rmtree(version.partial, ignore_errors=True)


def _give_number(partial, directory):
    while True:
        taken = [int(x.name) for x in directory.iterdir() if x.name.isdecimal()]
        path = directory / str(max(taken, default=0) + 1)
        try:
            return partial.rename(path)
        except OSError:
            if not path.exists():
                raise
            # Another process was faster: the next number.


def _sweep(directory, host):
    """Removes what processes of this host left that were killed."""
    for partial in directory.glob(f".{host}.*{PARTIAL}"):
        process = partial.name[: -len(PARTIAL)].rpartition(".")[2]
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            shutil.rmtree(partial, ignore_errors=True)
        except (ValueError, PermissionError):
            continue  # Not ours.
