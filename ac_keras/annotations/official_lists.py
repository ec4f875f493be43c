"""Clips of a dataset's official lists, and the tables of their files."""

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
    """Clip of an official list.

    Attributes:
        name: Official file name, including its folders.
        label: Its class.
        split: One of `ac_keras.annotations.clip_table.SPLITS`.
        group: Identifies the source video, which several clips may share.
        file: Path relative to the folder of the videos; None if missing.
    """

    name: str
    label: str
    split: str
    group: str
    file: str | None = None


def read_list(path: str | os.PathLike) -> list[tuple[int, str]]:
    """Reads the non-empty lines of an official list.

    Returns:
        Pairs of the line number, from 1, and the stripped text.

    Raises:
        FileNotFoundError: If the file does not exist.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the official list {path}. Received: no such file. "
            "Unpack the lists, or pass their folder."
        )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    texts = [(number, x.strip()) for number, x in enumerate(lines, 1)]
    return [(number, text) for number, text in texts if text]


def find_files(
    clips: Sequence[ListedClip], videos_dir: str | os.PathLike
) -> list[ListedClip]:
    """Returns the clips with their files, looked up by official names."""
    folder = pathlib.Path(videos_dir)
    return [
        clip._replace(file=clip.name)
        if (folder / clip.name).is_file()
        else clip
        for clip in clips
    ]


def missing_table(table: str | os.PathLike) -> pathlib.Path:
    """Returns the path of the table of missing clips beside a table."""
    table = pathlib.Path(table)
    return table.with_suffix(f".missing{table.suffix}")


def write_listed(
    clips: Sequence[ListedClip],
    videos_dir: str | os.PathLike,
    table: str | os.PathLike,
) -> list[str]:
    """Writes the table of the clips whose files exist.

    Missing clips, if any, are written to a second table at
    `missing_table(table)` with their official names.

    Args:
        clips: All clips of the lists.
        videos_dir: Folder of the videos, which `file` is relative to.
        table: The CSV file to write. Its paths are relative to its folder.

    Returns:
        Lines that report the numbers of clips and the paths of the tables.

    Raises:
        FileNotFoundError: If no clip exists.
        ValueError: If a name or a file occurs twice.
    """
    table, beside = pathlib.Path(table), missing_table(table)
    found = [clip for clip in clips if clip.file is not None]
    missing = [clip for clip in clips if clip.file is None]
    _check_names(clips)
    if not found:
        raise FileNotFoundError(
            f"Expected videos such as {clips[0].name} in {videos_dir}. "
            f"Received: none of the {len(clips)} videos of the lists. Pass "
            "the folder that these names are relative to."
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
    lines = _count(found, missing)
    lines += [f"The missing ones are in {beside}"] if missing else []
    return [*lines, f"The table is in {table}"]


def _check_names(clips):
    counts = collections.Counter(clip.name for clip in clips)
    twice = [name for name, count in counts.items() if count > 1]
    if twice or not clips:
        raise ValueError(
            "Expected lists that name each video once. Received: "
            f"{len(clips)} names, twice {twice[:5]}. Correct the lists."
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
    """Returns the path of a folder relative to another."""
    folder, origin = folder.absolute(), origin.absolute()
    if folder.is_relative_to(origin):
        return folder.relative_to(origin)
    # Resolved, because `..` of a link is the parent of its target.
    return pathlib.Path(os.path.relpath(folder.resolve(), origin.resolve()))


def _row(clip, path):
    return ClipRow(pathlib.PurePath(path).as_posix(), (clip.label,), clip.split)
