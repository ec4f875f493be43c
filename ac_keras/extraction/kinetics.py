"""The official annotations of Kinetics-400, -600 and -700."""

import csv
import json
import os
import pathlib
from collections.abc import Sequence

from ac_keras.extraction.listed_clips import ListedClip

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


def read_annotations(
    paths: Sequence[str | os.PathLike],
) -> tuple[list[ListedClip], int]:
    """Reads the clips of the official files.

    The official validation clips are our test clips, since results are
    reported on them. The official test clips are left out.

    Args:
        paths: CSV files with columns label, youtube_id, time_start, time_end
            and split, or the JSON files of the same.

    Returns:
        The clips under names such as `youtube_id_000010_000020.mp4`, with the
        video's id as the group, and how many were left out.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If it is of another form, or names a clip again.
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
                    f"{place}. Give a split's CSV or JSON, and one edition."
                )
            seen[clip.name] = f"{path}, {place}"
            clips.append(clip)
    if not clips:
        raise ValueError(
            "Expected files that name training or validation clips. "
            f"Received: {left_out} clips of the test in "
            f"{[*map(str, paths)]}. Give those of the other splits."
        )
    return clips, left_out


def _read(path):
    """Yields place, split, label, id, start and end of each clip."""
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the official annotations {path}. Received: no such "
            "file. Unpack them, or mend the path."
        )
    is_json = path.suffix.lower() == ".json"
    return (_read_json if is_json else _read_csv)(path)


def _read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not set(_COLUMNS) <= set(reader.fieldnames or []):
            raise ValueError(
                f"Expected columns label,{','.join(_COLUMNS)} in {path}. "
                f"Received: {reader.fieldnames}. Take the official file."
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
            "Take the official file."
        ) from error


def _clip(place, split, label, id, start, end):
    """Gives the clip; none if it is of the official test."""
    if split not in _SPLITS:
        raise ValueError(
            f"Expected a split among {[*_SPLITS]} in {place}. Received: "
            f"split={split!r}. Take the official file."
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
            f"Received: {label!r}, {id!r}, {start!r}, {end!r}. Take the "
            "official file."
        )
    return ListedClip(name, label.strip(), _SPLITS[split], id)
