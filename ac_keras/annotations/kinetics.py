"""Official annotations of Kinetics-400, -600 and -700."""

import collections
import csv
import json
import os
import pathlib
import re
from collections.abc import Sequence

from ac_keras.annotations.class_folders import is_media
from ac_keras.annotations.official_lists import ListedClip

_COLUMNS = ("youtube_id", "time_start", "time_end", "split")
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "test",
    "validate": "test",
    "validation": "test",
    "test": None,
    "testing": None,
}
_DEPTH = 5  # of folders; links are followed and may form cycles
# Ends of folder names by our split; validation is drawn from train.
_SPLIT_ENDINGS = {
    "train": ("train",),
    "validation": ("train",),
    "test": ("val", "validate", "validation"),
}


def read_annotations(
    paths: Sequence[str | os.PathLike],
) -> tuple[list[ListedClip], int]:
    """Reads the clips of the official files.

    The official validation clips become test clips, because results are
    reported on them. The official test clips are left out.

    Args:
        paths: CSV files with columns label, youtube_id, time_start, time_end
            and split, or JSON files with the same content.

    Returns:
        The clips with names such as `youtube_id_000010_000020.mp4` and the
        video's id as the group, and the number of clips left out.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If it has another format, or a clip occurs twice.
    """
    clips, left_out, seen = [], 0, {}
    for path in map(pathlib.Path, paths):
        for place, *fields in _read(path):
            clip = _clip(f"{path}, {place}", *fields)
            if clip is None:
                left_out += 1
                continue
            if clip.name in seen:
                raise ValueError(
                    f"Expected each clip once in {[*map(str, paths)]}. "
                    f"Received: {clip.name} in {seen[clip.name]} and {path}, "
                    f"{place}. Pass each split once, as CSV or JSON."
                )
            seen[clip.name] = f"{path}, {place}"
            clips.append(clip)
    if not clips:
        raise ValueError(
            "Expected files with training or validation clips. "
            f"Received: {left_out} test clips in "
            f"{[*map(str, paths)]}. Pass those of the other splits."
        )
    return clips, left_out


def _read(path):
    """Yields place, split, label, id, start and end of each clip."""
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the official annotations {path}. Received: no such "
            "file. Unpack them, or correct the path."
        )
    is_json = path.suffix.lower() == ".json"
    return (_read_json if is_json else _read_csv)(path)


def _read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not set(_COLUMNS) <= set(reader.fieldnames or []):
            raise ValueError(
                f"Expected columns label,{','.join(_COLUMNS)} in {path}. "
                f"Received: {reader.fieldnames}. Use the official file."
            )
        for row in reader:
            id, start, end, split = (row[name] for name in _COLUMNS)
            place = f"line {reader.line_num}"
            yield place, split, row.get("label"), id, start, end


def _read_json(path):
    try:
        entries = json.loads(path.read_text(encoding="utf-8")).items()
        for id, entry in entries:
            about = entry.get("annotations") or {}
            start, end = about.get("segment") or (None, None)
            yield f"{id!r}", entry["subset"], about.get("label"), id, start, end
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            'Expected {"ID": {"annotations": {"label": ..., "segment": [0, '
            f'10]}}, "subset": ...}}, ...}} in {path}. Received: {error!r}. '
            "Use the official file."
        ) from error


def _clip(place, split, label, id, start, end):
    """Returns the clip; None if it is an official test clip."""
    if split not in _SPLITS:
        raise ValueError(
            f"Expected a split among {[*_SPLITS]} in {place}. Received: "
            f"split={split!r}. Use the official file."
        )
    if _SPLITS[split] is None:
        return None
    try:
        name = f"{id}_{int(float(start)):06d}_{int(float(end)):06d}.mp4"
    except (TypeError, ValueError):
        name = ""
    if not (name and id and label and isinstance(label, str)):
        raise ValueError(
            f"Expected a label, a video's id and two times in {place}. "
            f"Received: {label!r}, {id!r}, {start!r}, {end!r}. Use the "
            "official file."
        )
    return ListedClip(name, label.strip(), _SPLITS[split], id)


def find_kinetics_files(
    clips: Sequence[ListedClip], videos_dir: str | os.PathLike
) -> list[ListedClip]:
    """Returns the clips with their files.

    A file is named by the video's id and the clip's times,
    `ID_000010_000020.mp4`, or by the id alone, with any media suffix. It is in
    the folder or up to five folders deep. Among several matches, files in a
    folder `replacement` are preferred, then files in a folder of their class
    (with spaces or underscores), then files in a folder of their split.

    Args:
        clips: Clips from `read_annotations`.
        videos_dir: Folder of the videos.

    Returns:
        The clips in the same order.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If several files match a clip, or one matches several
            clips.
    """
    if not os.path.isdir(videos_dir):
        raise FileNotFoundError(
            "Expected the folder of the videos. Received: "
            f"videos_dir={os.fspath(videos_dir)!r}, not a folder. Correct "
            "the path."
        )
    files = collections.defaultdict(list)
    for path in _media(videos_dir, "", _DEPTH):
        stem, _ = os.path.splitext(os.path.basename(path))
        files[stem].append(path)
    found = [clip._replace(file=_choose(clip, files)) for clip in clips]
    _check_uses(found, videos_dir)
    return found


def _media(folder, start, depth):
    """Yields the paths of media files in a folder and its folders."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{start}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if depth:
                    yield from _media(entry.path, f"{path}/", depth - 1)
            elif is_media(path) and entry.is_file():
                yield path


def _choose(clip, files):
    stem, _ = os.path.splitext(clip.name)
    named, by_id = files.get(stem, []), files.get(clip.group, [])
    replacements = [
        path
        for path in [*named, *by_id]
        if any(x.startswith("replacement") for x in _folders(path))
    ]
    paths = replacements or named or by_id or [None]
    for fits in (_is_of_class, _is_of_split):
        if len(paths) > 1:
            paths = [path for path in paths if fits(path, clip)] or paths
    if len(paths) > 1:
        raise ValueError(
            f"Expected one file of {clip.name}. Received: {', '.join(paths)}. "
            "Pass a folder that has each video once, or remove one."
        )
    return paths[0]


def _is_of_class(path, clip):
    own = _letters(clip.label)
    return any(_letters(folder) == own for folder in _folders(path))


def _is_of_split(path, clip):
    endings = _SPLIT_ENDINGS[clip.split]
    return any(x.lower().endswith(endings) for x in _folders(path))


def _folders(path):
    return path.split("/")[:-1]


def _letters(name):
    """Removes characters that differ between folder names and labels."""
    return re.sub(r"[\W_]", "", name.lower())


def _check_uses(clips, videos_dir):
    uses = {}
    for clip in clips:
        other = uses.setdefault(clip.file, clip)
        if clip.file is not None and other is not clip:
            raise ValueError(
                f"Expected a file for each clip in {videos_dir}. Received: "
                f"{clip.file}, which would be {other.name} and {clip.name}. "
                "Name files by id and times, ID_000010_000020.mp4."
            )
