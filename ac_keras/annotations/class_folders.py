"""Clips in folders that are named by their class."""

import collections
import os
import pathlib

from absl import logging

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import check_table

SPLIT_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
}
MEDIA_SUFFIXES = frozenset(
    # Video.
    ".3gp .asf .avi .divx .f4v .flv .gif .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg "
    ".mpg .mts .ogv .ts .vob .webm .wmv "
    # Audio only.
    ".aac .aif .aiff .flac .m4a .mka .mp3 .oga .ogg .opus .wav .wma".split()
)


def list_class_folders(root: str | os.PathLike) -> list[ClipRow]:
    """Returns the clips of `ROOT/class_name/clip.mp4`.

    If all folders of the root are named `train`, `validation` or `val`, or
    `test`, they are splits, `ROOT/train/class_name/clip.mp4`. Names that begin
    with a dot are ignored. Files without a media suffix are counted in a
    warning, and so are folders without a clip.

    Args:
        root: The folder.

    Returns:
        Rows sorted by path, relative to the root; their `line` is 0.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If there is no clip, two have the same id, one is not
            directly in the folder of a class, or there is both `val` and
            `validation`.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            "Expected a folder with a folder of clips for each class. "
            f"Received: root={str(root)!r}, not a folder. Correct the path."
        )
    rows, others, empty = [], [], []
    for split, parent in _split_folders(root):
        folders, files = _entries(parent)
        others += _without_media(files, root, "not in a folder of its class")
        for folder in folders:
            clips, rest = _clips(folder, root, split)
            rows += clips
            others += rest
            empty += [] if clips else [folder]
    rows.sort(key=lambda row: row.path)
    check_table(rows, root)
    _report(root, others, empty)
    return rows


def is_media(path: str | os.PathLike) -> bool:
    """Returns True if a path has the suffix of a media file."""
    return os.path.splitext(path)[1].lower() in MEDIA_SUFFIXES


def _split_folders(root):
    """Returns pairs of split and folder; ("", root) without splits."""
    folders, _ = _entries(root)
    names = {folder.name for folder in folders}
    if not names or not names <= set(SPLIT_FOLDERS):
        return [("", root)]
    if {"val", "validation"} <= names:
        raise ValueError(
            "Expected one folder of validation clips. Received: val and "
            f"validation in {root}. Merge the two folders."
        )
    _without_media(_entries(root)[1], root, "not in the folder of a split")
    return [(SPLIT_FOLDERS[folder.name], folder) for folder in folders]


def _clips(folder, root, split):
    """Returns the rows of a class and its other files."""
    folders, files = _entries(folder)
    if folders:
        raise ValueError(
            f"Expected {root} to hold class_name/clip.mp4, or "
            "train/class_name/clip.mp4 and folders of splits only. "
            f"Received: the folder {folders[0]}. Move its clips up, or pass "
            "the folder that contains the classes."
        )
    media = [file for file in files if is_media(file)]
    rows = [
        ClipRow(file.relative_to(root).as_posix(), (folder.name,), split)
        for file in media
    ]
    return rows, [file for file in files if not is_media(file)]


def _entries(folder):
    """Returns the folders and the files of a folder, sorted."""
    entries = sorted(
        path for path in folder.iterdir() if not path.name.startswith(".")
    )
    folders = [path for path in entries if path.is_dir()]
    return folders, [path for path in entries if not path.is_dir()]


def _without_media(files, root, fault):
    """Returns the files if none of them is a misplaced clip."""
    for file in files:
        if is_media(file):
            raise ValueError(
                f"Expected clips as class_name/clip.mp4 in {root}. Received: "
                f"{file}, {fault}. Move it into the folder of its class."
            )
    return files


def _report(root, others, empty):
    if others:
        counts = collections.Counter(x.suffix.lower() for x in others)
        logging.warning(
            "%d files of %s are left out, without a media suffix: %s",
            len(others),
            root,
            ", ".join(
                f"{count} {suffix or 'without one'}"
                for suffix, count in sorted(counts.items())
            ),
        )
    if empty:
        logging.warning(
            "%d folders of %s contain no clip and are no class: %s",
            len(empty),
            root,
            ", ".join(str(folder.relative_to(root)) for folder in empty),
        )
