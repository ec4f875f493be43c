"""The files of records whose clips are to be named."""

import dataclasses
import glob
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence

from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.integrity.damage import Damage


@dataclasses.dataclass(frozen=True)
class InputFile:
    """A file of records.

    Attributes:
        path: Its absolute path.
        num_bytes: Its size.
        runs: Its stretches of sound records: of each the offset in bytes, the
            number of records, where -1 goes to the file's end, and the number
            of broken records before it.
    """

    path: str
    num_bytes: int
    runs: tuple[tuple[int, int, int], ...] = ((0, -1, 0),)

    def to_json(self) -> dict:
        """What tells it from another file, as JSON values."""
        return {"file": self.path, "num_bytes": self.num_bytes}


def find_files(patterns: Sequence[str]) -> list[InputFile]:
    """Lists the files of some patterns, each once, in the paths' order.

    Args:
        patterns: Patterns such as `"records/part-*"`, or paths.

    Raises:
        FileNotFoundError: If a pattern has no file.
        ValueError: If it has a folder, or there is no pattern.
    """
    found = set()
    for pattern in patterns:
        paths = [os.path.abspath(path) for path in glob.glob(pattern)]
        if not paths:
            raise FileNotFoundError(
                "Expected patterns of one file or more each. Received: "
                f"{pattern!r}, which no file has. Mend it; in a shell, "
                "quote it."
            )
        found.update(paths)
    if not found:
        raise ValueError(
            "Expected one pattern of files or more. Received: none. Name the "
            "files whose records are to be read."
        )
    files = []
    for path in sorted(found):
        if not os.path.isfile(path):
            raise ValueError(
                f"Expected files of records. Received: {path}, which is a "
                "folder. Name the files in it, such as folder/part-*."
            )
        files.append(InputFile(path, os.stat(path).st_size))
    return files


def check_beginnings(files: Iterable[InputFile]) -> None:
    """Looks at every file's first bytes, before much work is done.

    Raises:
        ValueError: If one is empty or does not begin as a TFRecord file does.
    """
    for file in files:
        damage = damage_at_beginning(file)
        if damage:
            raise ValueError(
                f"Expected TFRecord files, not compressed. Received: {damage}. "
                "Make or copy the file anew, or leave it out."
            )


def damage_at_beginning(file: InputFile) -> Damage | None:
    """Gives what a file's first bytes show to be wrong, if anything."""
    if not file.num_bytes:
        return Damage(file.path, 0, "an empty file")
    reason = record_framing.describe_break(file.path, 0)
    return Damage(file.path, 0, reason) if reason else None


def stem_of(file: InputFile, longest: int = 100) -> str:
    """Gives a file's name without its ending, cut where it is very long."""
    return pathlib.PurePath(file.path).stem[:longest]
