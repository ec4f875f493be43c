"""Media files in folders that are named by their class."""

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
    # Sound alone.
    ".aac .aif .aiff .flac .m4a .mka .mp3 .oga .ogg .opus .wav .wma".split()
)


def list_class_folders(root: str | os.PathLike) -> list[ClipRow]:
    """Gives the clips of `ROOT/class_name/clip.mp4`.

    If all folders of the root are named `train`, `validation` or `val`, or
    `test`, they are splits, `ROOT/train/class_name/clip.mp4`. Names that begin
    with a dot are passed over. Files that are no media by their suffix are
    counted in a warning, as are folders without a clip.

    Args:
        root: The folder.

    Returns:
        Rows sorted by path, which starts from the root, without lines.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there is no clip, if two have the same id, if one is
            not in a class's folder itself, or there is both `val` and
            `validation`.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            "Expected a folder with a folder of clips for each class. "
            f"Received: root={str(root)!r}, which is none. Mend the path."
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


def _split_folders(root):
    """Gives pairs of split and folder; of no split and the root if none."""
    folders, _ = _entries(root)
    names = {folder.name for folder in folders}
    if not names or not names <= set(SPLIT_FOLDERS):
        return [("", root)]
    if {"val", "validation"} <= names:
        raise ValueError(
            "Expected one folder of validation clips. Received: val and "
            f"validation in {root}. Put their clips together."
        )
    _without_media(_entries(root)[1], root, "not in the folder of a split")
    return [(SPLIT_FOLDERS[folder.name], folder) for folder in folders]


def _clips(folder, root, split):
    """Gives the rows of a class and its other files."""
    folders, files = _entries(folder)
    if folders:
        raise ValueError(
            f"Expected {root} to hold class_name/clip.mp4, or "
            "train/class_name/clip.mp4 and no folders but of splits. "
            f"Received: the folder {folders[0]}. Move its clips up, or name "
            "the folder in which the classes are."
        )
    media = [file for file in files if _is_media(file)]
    rows = [
        ClipRow(file.relative_to(root).as_posix(), (folder.name,), split)
        for file in media
    ]
    return rows, [file for file in files if not _is_media(file)]


def _entries(folder):
    """Gives the folders and the files of a folder, sorted."""
    entries = sorted(
        path for path in folder.iterdir() if not path.name.startswith(".")
    )
    folders = [path for path in entries if path.is_dir()]
    return folders, [path for path in entries if not path.is_dir()]


def _is_media(path):
    return path.suffix.lower() in MEDIA_SUFFIXES


def _without_media(files, root, fault):
    """Gives the files if none of them is a clip in a wrong place."""
    for file in files:
        if _is_media(file):
            raise ValueError(
                f"Expected clips as class_name/clip.mp4 in {root}. Received: "
                f"{file}, {fault}. Move it into the folder of its class."
            )
    return files


def _report(root, others, empty):
    if others:
        counts = collections.Counter(x.suffix.lower() for x in others)
        logging.warning(
            "%d files of %s are left out, being no media by their suffix: %s",
            len(others),
            root,
            ", ".join(
                f"{count} {suffix or 'without one'}"
                for suffix, count in sorted(counts.items())
            ),
        )
    if empty:
        logging.warning(
            "%d folders of %s hold no clip and are no class: %s",
            len(empty),
            root,
            ", ".join(str(folder.relative_to(root)) for folder in empty),
        )
