"""A table of clips whose features lie in NumPy files."""

import csv
import functools
import os
import re
from typing import NamedTuple

import numpy as np

SPLITS = ("train", "validation", "test")
_SEPARATORS = ";|"


class ArrayClip(NamedTuple):
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


def load_table(path: str | os.PathLike) -> list[ArrayClip]:
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


def collect_class_names(clips: list[ArrayClip]) -> tuple[str, ...]:
    """Gives the labels' names, sorted; by value where all are integers."""
    names = {label for clip in clips for label in clip.labels}
    numbers = all(re.fullmatch("[0-9]+", name) for name in names)
    return tuple(
        sorted(names, key=(lambda x: (int(x), x)) if numbers else None)
    )


def is_multi_label(clips: list[ArrayClip]) -> bool:
    """Whether some clip has another number of labels than one."""
    return any(len(clip.labels) != 1 for clip in clips)


def draw_splits(
    clips: list[ArrayClip],
    validation_share: float,
    test_share: float,
    seed: int,
) -> dict[str, list[ArrayClip]]:
    """Gives each split its clips.

    Without a column for it, the split is drawn so that each class, or each
    set of classes, has its share in each split to within two clips. Training
    clips are in random order, since tables are often sorted by class; others
    are in the table's.

    Args:
        clips: The rows.
        validation_share: From 0 to 1; taken if the table names no splits.
        test_share: From 0 to 1, as well.
        seed: Decides the draw and the order.

    Returns:
        Mapping from a split's name to its clips; no split is empty.

    Raises:
        ValueError: If shares are given for a table that names splits, if they
            leave nothing for training, or a share is too small for a clip.
    """
    total = validation_share + test_share
    rng = np.random.default_rng(seed)
    if total and clips[0].split:
        raise ValueError(
            "Expected shares of 0, as the table names splits. Received: "
            f"validation_share={validation_share}, test_share={test_share}. "
            "Remove the column or the shares."
        )
    if min(validation_share, test_share) < 0 or total >= 1:
        raise ValueError(
            "Expected shares of 0 or more with a sum below 1. Received: "
            f"validation_share={validation_share}, test_share={test_share}. "
            "Leave some clips for training."
        )
    if clips[0].split:
        names = np.array([clip.split for clip in clips])
    else:
        names = _draw(clips, validation_share, test_share, rng)
    order = {name: np.flatnonzero(names == name) for name in SPLITS}
    shares = {"validation": validation_share, "test": test_share}
    empty = [x for x in shares if shares[x] and not len(order[x])]
    if empty:
        raise ValueError(
            "Expected a clip or more in each split that has a share. "
            f"Received: none of {len(clips)} clips for {empty}. Raise its "
            "share or set it to 0."
        )
    order["train"] = rng.permutation(order["train"])
    return {
        name: [clips[i] for i in rows]
        for name, rows in order.items()
        if len(rows)
    }


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
    return ArrayClip(name, _split_labels(label), split, line)


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


def _draw(clips, validation_share, test_share, rng):
    """Draws splits from the clips sorted by class, at equal distances."""
    classes = np.unique(
        [";".join(sorted(c.labels)) for c in clips], False, True
    )
    order = np.lexsort((rng.random(len(clips)), classes[1]))
    names = np.full(len(clips), "train", "<U10")
    taken = _equal_distances(len(order), test_share, rng)
    names[order[taken]] = "test"
    order = order[~taken]
    taken = _equal_distances(
        len(order), validation_share / (1 - test_share), rng
    )
    names[order[taken]] = "validation"
    return names


def _equal_distances(count, share, rng):
    """Gives a mask with that share of ones, spread out."""
    steps = np.floor(np.arange(count + 1) * share + rng.random())
    return np.diff(steps) > 0
