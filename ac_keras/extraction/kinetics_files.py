"""Where the videos of Kinetics lie."""

import collections
import os
import re
from collections.abc import Sequence

from ac_keras.extraction.class_folders import MEDIA_SUFFIXES
from ac_keras.extraction.listed_clips import ListedClip

_DEPTH = 5  # of folders; links are followed, perhaps in circles
_SPLIT_ENDINGS = {  # of folders, by our split; validation is held out of train
    "train": ("train",),
    "validation": ("train",),
    "test": ("val", "validate", "validation"),
}


def find_kinetics_files(
    clips: Sequence[ListedClip], videos_dir: str | os.PathLike
) -> list[ListedClip]:
    """Gives the clips their files.

    A file is named by the video's id and the clip's times,
    `ID_000010_000020.mp4`, or by the id alone, with any suffix of media. It
    lies in the folder or in up to five folders within it. Of several that fit,
    those in a folder `replacement` go first, then those in a folder of their
    class, with spaces or underscores, then those in a folder of their split.

    Args:
        clips: What `read_annotations` gives.
        videos_dir: The folder of the videos.

    Returns:
        The clips in the same order.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If several files fit a clip, or one fits several clips.
    """
    if not os.path.isdir(videos_dir):
        raise FileNotFoundError(
            "Expected the folder of the videos. Received: "
            f"videos_dir={os.fspath(videos_dir)!r}, which is none. Mend the "
            "path."
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
            elif _is_media(path) and entry.is_file():
                yield path


def _is_media(path):
    return os.path.splitext(path)[1].lower() in MEDIA_SUFFIXES


def _choose(clip, files):
    stem, _ = os.path.splitext(clip.name)
    named, by_id = files.get(stem, []), files.get(clip.group, [])
    replacements = [path for path in [*named, *by_id] if _is_replacement(path)]
    paths = replacements or named or by_id or [None]
    for fits in (_is_of_class, _is_of_split):
        if len(paths) > 1:
            paths = [path for path in paths if fits(path, clip)] or paths
    if len(paths) > 1:
        raise ValueError(
            f"Expected one file of {clip.name}. Received: {', '.join(paths)}. "
            "Name the folder that has each video once, or remove one."
        )
    return paths[0]


def _is_replacement(path):
    return any(folder.startswith("replacement") for folder in _folders(path))


def _is_of_class(path, clip):
    own = _letters(clip.label)
    return any(_letters(folder) == own for folder in _folders(path))


def _is_of_split(path, clip):
    endings = _SPLIT_ENDINGS[clip.split]
    return any(x.lower().endswith(endings) for x in _folders(path))


def _folders(path):
    return path.split("/")[:-1]


def _letters(name):
    """Drops what folders of classes have in other ways than labels."""
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
