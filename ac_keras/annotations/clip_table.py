"""Table of clips: a CSV file with path, labels and optional split."""

import csv
import functools
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from ac_keras.utils import atomic_file

SPLITS = ("train", "validation", "test")
_SEPARATORS = ";|"
_UNWRITTEN = "[\0\r\n\ud800-\udfff]"


class ClipRow(NamedTuple):
    """Row of the table.

    Attributes:
        path: File of the clip, features or video, as written in the table.
        labels: Names of its classes.
        split: Its split; empty without one.
        line: Its line in the table file; 0 without one.
    """

    path: str
    labels: tuple[str, ...]
    split: str
    line: int = 0

    @property
    def id(self) -> str:
        """Path without its suffix."""
        stem, _ = os.path.splitext(os.path.normpath(self.path))
        return stem.replace(os.sep, "/")


def load_table(path: str | os.PathLike) -> list[ClipRow]:
    """Reads a CSV file with columns `path`, `label` and optionally `split`.

    Several labels of a clip are separated by `;` or `|`.

    Args:
        path: The CSV file.

    Returns:
        Its rows in order.

    Raises:
        ValueError: If there is no row, a column is missing, a clip occurs
            twice, or a split is unknown or missing in some of the rows.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if not {"path", "label"} <= set(columns):
            raise ValueError(
                f"Expected columns path,label or path,label,split in {path}. "
                f"Received: {columns}. Add a first line with their names."
            )
        clips = [_read_row(path, reader.line_num, row) for row in reader]
    check_table(clips, path)
    return clips


def save_table(clips: Sequence[ClipRow], path: str | os.PathLike) -> None:
    """Writes a CSV file for `load_table`, atomically.

    Raises:
        ValueError: If the rows are not a valid table, or `load_table` would
            read a text differently.
    """
    check_table(clips, path)
    for clip in clips:
        _check_texts(clip, path)
    columns = ["path", "label", "split"][: 3 if clips[0].split else 2]
    rows = [(clip.path, ";".join(clip.labels), clip.split) for clip in clips]
    with (
        atomic_file.atomic_path(path) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(row[: len(columns)] for row in rows)


def check_table(clips: Sequence[ClipRow], source: str | os.PathLike) -> None:
    """Checks that the rows of a file or folder, `source`, form a valid table.

    Raises:
        ValueError: If there is no row, two have the same id, or some but not
            all have a split.
    """
    if not clips:
        raise ValueError(
            f"Expected one clip or more in {source}. Received: none. Add a "
            "line or a file for each clip."
        )
    _check_ids(source, clips)
    without = [clip for clip in clips if not clip.split]
    if 0 < len(without) < len(clips):
        raise ValueError(
            f"Expected a split for all clips of {source} or for none. "
            f"Received: none in {_place(without[0])}. Fill in the column or "
            "remove it."
        )


def collect_class_names(clips: list[ClipRow]) -> tuple[str, ...]:
    """Returns the names of all labels, sorted; by value if all are integers."""
    names = {label for clip in clips for label in clip.labels}
    numbers = all(re.fullmatch("[0-9]+", name) for name in names)
    return tuple(
        sorted(names, key=(lambda x: (int(x), x)) if numbers else None)
    )


def is_multi_label(clips: list[ClipRow]) -> bool:
    """Returns True if any clip does not have exactly one label."""
    return any(len(clip.labels) != 1 for clip in clips)


def _read_row(path, line, row):
    split = (row.get("split") or "").strip()
    if split and split not in SPLITS:
        raise ValueError(
            f"Expected a split among {SPLITS} in {path}, line {line}. "
            f"Received: split={split!r}. Correct the line."
        )
    name, label = (row["path"] or "").strip(), (row["label"] or "").strip()
    if not name:
        raise ValueError(
            f"Expected the path of a file in {path}, line {line}. Received: "
            f"{row}. Correct the line."
        )
    return ClipRow(name, _split_labels(label), split, line)


@functools.cache  # rows with the same label share one tuple
def _split_labels(label):
    """Returns the names in the order of the text, each once."""
    names = [name.strip() for name in re.split(f"[{_SEPARATORS}]", label)]
    return tuple(dict.fromkeys(name for name in names if name))


def _check_ids(source, clips):
    first = {}
    for clip in clips:
        if clip.id in first:
            raise ValueError(
                f"Expected each clip once in {source}. Received: {clip.id!r} "
                f"in {_place(first[clip.id])} and {_place(clip)}. Remove one, "
                "or give one of the files another name."
            )
        first[clip.id] = clip


def _place(clip):
    return f"line {clip.line}" if clip.line else clip.path


def _check_texts(clip, path):
    separators = [x for x in _SEPARATORS if any(x in y for y in clip.labels)]
    if separators or len(set(clip.labels)) < len(clip.labels):
        raise ValueError(
            f"Expected labels that differ, with none of {_SEPARATORS!r}, "
            f"which separate labels in {path}. Received: "
            f"labels={clip.labels} of {clip.path!r}. Rename them."
        )
    if clip.split and clip.split not in SPLITS:
        raise ValueError(
            f"Expected a split among {SPLITS} for {path}. Received: "
            f"split={clip.split!r} of {clip.path!r}. Rename it."
        )
    for text in (clip.path, *clip.labels):
        # A lone surrogate is a byte of a file's name that is not UTF-8.
        if not text or text != text.strip() or re.search(_UNWRITTEN, text):
            raise ValueError(
                f"Expected paths and labels for {path} in UTF-8, in one line "
                f"and without spaces around them. Received: {text!r}. Rename "
                "the file or its folder."
            )
