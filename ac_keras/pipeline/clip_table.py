"""A table of clips whose features lie in NumPy files."""

import csv
import functools
import os
import re
from typing import NamedTuple

SPLITS = ("train", "validation", "test")
_SEPARATORS = ";|"


class ClipRow(NamedTuple):
    """A row of the table.

    Attributes:
        path: The file of the clip's features, as the table has it.
        labels: Names of its classes.
        split: The split that the table gives it; empty if none.
        line: Its line in the table.
    """

    path: str
    labels: tuple[str, ...]
    split: str
    line: int

    @property
    def id(self) -> str:
        """The path without its suffix."""
        stem, _ = os.path.splitext(os.path.normpath(self.path))
        return stem.replace(os.sep, "/")


def load_table(path: str | os.PathLike) -> list[ClipRow]:
    """Reads a CSV file with columns `path`, `label` and perhaps `split`.

    Several labels of a clip have `;` or `|` between them.

    Args:
        path: The CSV file.

    Returns:
        Its rows in order.

    Raises:
        ValueError: If there is no row or a column is missing, if a clip is
            there twice, or a split is none of `SPLITS` or left out in a part
            of the rows.
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
    if not clips:
        raise ValueError(
            f"Expected a clip or more in {path}. Received: a first line and "
            "no other. Add a line for each clip."
        )
    _check_ids(path, clips)
    without = [clip.line for clip in clips if not clip.split]
    if 0 < len(without) < len(clips):
        raise ValueError(
            f"Expected a split in every line of {path} or in none. Received: "
            f"none in line {without[0]}. Fill the column or leave it out."
        )
    return clips


def collect_class_names(clips: list[ClipRow]) -> tuple[str, ...]:
    """Gives the labels' names, sorted; by value where all are integers."""
    names = {label for clip in clips for label in clip.labels}
    numbers = all(re.fullmatch("[0-9]+", name) for name in names)
    return tuple(
        sorted(names, key=(lambda x: (int(x), x)) if numbers else None)
    )


def is_multi_label(clips: list[ClipRow]) -> bool:
    """Whether some clip has another number of labels than one."""
    return any(len(clip.labels) != 1 for clip in clips)


def _read_row(path, line, row):
    split = (row.get("split") or "").strip()
    if split and split not in SPLITS:
        raise ValueError(
            f"Expected a split among {SPLITS} in {path}, line {line}. "
            f"Received: split={split!r}. Mend the line."
        )
    name, label = (row["path"] or "").strip(), (row["label"] or "").strip()
    if not name:
        raise ValueError(
            f"Expected the path of a file in {path}, line {line}. Received: "
            f"{row}. Mend the line."
        )
    return ClipRow(name, _split_labels(label), split, line)


@functools.cache  # rows of the same label then share one tuple
def _split_labels(label):
    """Gives the names in the order of the text, each once."""
    names = [name.strip() for name in re.split(f"[{_SEPARATORS}]", label)]
    return tuple(dict.fromkeys(name for name in names if name))


def _check_ids(path, clips):
    lines = {}
    for clip in clips:
        first = lines.setdefault(clip.id, clip.line)
        if first != clip.line:
            raise ValueError(
                f"Expected each clip once in {path}. Received: {clip.id!r} in "
                f"lines {first} and {clip.line}. Remove one, or give one of "
                "the files another name."
            )
