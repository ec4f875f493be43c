"""Clips of a dataset's official lists, and which of them are there."""

import collections
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from ac_keras.annotations.clip_table import SPLITS
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import check_table
from ac_keras.annotations.clip_table import save_table


class ListedClip(NamedTuple):
    """A clip that an official list names.

    Attributes:
        name: The file's official name, with the folders that belong to it.
        label: Its class.
        split: One of `ac_keras.pipeline.clip_table.SPLITS`.
        group: What it shares with the clips that are cut from one source.
        file: Where it is, from the folder of the videos; None if missing.
    """

    name: str
    label: str
    split: str
    group: str
    file: str | None = None


def read_list(path: str | os.PathLike) -> list[tuple[int, str]]:
    """Reads the lines of an official list that are not empty.

    Args:
        path: A text file.

    Returns:
        Pairs of the line's number, from 1, and its text without spaces
        around it.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the official list {path}. Received: no such file. "
            "Unpack the lists, or name their folder."
        )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    texts = [(number, x.strip()) for number, x in enumerate(lines, 1)]
    return [(number, text) for number, text in texts if text]


def find_files(
    clips: Sequence[ListedClip], videos_dir: str | os.PathLike
) -> list[ListedClip]:
    """Gives the clips their files where these lie under their names."""
    folder = pathlib.Path(videos_dir)
    return [
        clip._replace(file=clip.name)
        if (folder / clip.name).is_file()
        else clip
        for clip in clips
    ]


def missing_table(table: str | os.PathLike) -> pathlib.Path:
    """Gives the path of the table of missing clips beside a table."""
    table = pathlib.Path(table)
    return table.with_suffix(f".missing{table.suffix}")


def write_listed(
    clips: Sequence[ListedClip],
    videos_dir: str | os.PathLike,
    table: str | os.PathLike,
) -> list[str]:
    """Writes the table of the clips that are there.

    Beside it, at `missing_table(table)`, a table of the missing ones is
    written under their official names; none if there are none.

    Args:
        clips: All clips of the lists.
        videos_dir: The folder of the videos, which `file` starts from.
        table: The CSV file to write. Its paths start from its own folder.

    Returns:
        Lines that say how many clips there are and where the tables are.

    Raises:
        FileNotFoundError: If no clip is there.
        ValueError: If a name or a file occurs twice.
    """
    table, beside = pathlib.Path(table), missing_table(table)
    found = [clip for clip in clips if clip.file is not None]
    missing = [clip for clip in clips if clip.file is None]
    _check_names(clips)
    if not found:
        raise FileNotFoundError(
            f"Expected videos such as {clips[0].name} in {videos_dir}. "
            f"Received: none of the {len(clips)} videos of the lists. Name "
            "the folder that these names start from."
        )
    start = _start(pathlib.Path(videos_dir), table.parent)
    rows = [_row(clip, start / clip.file) for clip in found]
    check_table(rows, table)
    table.parent.mkdir(parents=True, exist_ok=True)
    if missing:
        save_table([_row(clip, clip.name) for clip in missing], beside)
    else:
        beside.unlink(missing_ok=True)
    save_table(rows, table)
    said = _count(found, missing)
    said += [f"The missing ones are in {beside}"] if missing else []
    return [*said, f"The table is in {table}"]


def _check_names(clips):
    counts = collections.Counter(clip.name for clip in clips)
    twice = [name for name, count in counts.items() if count > 1]
    if twice or not clips:
        raise ValueError(
            "Expected lists that name each video once. Received: "
            f"{len(clips)} names, twice {twice[:5]}. Mend the lists."
        )


def _count(found, missing):
    there = collections.Counter(clip.split for clip in found)
    absent = collections.Counter(clip.split for clip in missing)
    return [
        f"{split}: {there[split]} clips, {absent[split]} missing"
        for split in SPLITS
        if there[split] or absent[split]
    ]


def _start(folder, origin):
    """Gives the way to a folder from another."""
    folder, origin = folder.absolute(), origin.absolute()
    if folder.is_relative_to(origin):
        return folder.relative_to(origin)
    # `..` leaves the folder that a link leads to.
    return pathlib.Path(os.path.relpath(folder.resolve(), origin.resolve()))


def _row(clip, path):
    return ClipRow(pathlib.PurePath(path).as_posix(), (clip.label,), clip.split)
