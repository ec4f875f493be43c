"""Official lists of HMDB51."""

import os
import pathlib
import re

from ac_keras.annotations.official_lists import ListedClip
from ac_keras.annotations.official_lists import read_list

_SPLITS = {"0": None, "1": "train", "2": "test"}
# Attributes in a clip's name after its source and class: visible body parts,
# camera motion, number of people, view, quality, and number of the clip.
_ATTRIBUTES = r"_[fhlu]_(nm|cm)_np\d+_(ba|fr|le|ri)_(bad|goo|med)_\d+$"


def read_lists(
    lists_dir: str | os.PathLike, split: int
) -> tuple[list[ListedClip], int]:
    """Reads the clips of one of the three official splits.

    Args:
        lists_dir: Folder of `CLASS_test_splitN.txt`, whose lines are a name
            and 1 for training, 2 for test or 0 for neither.
        split: N, from 1 to 3.

    Returns:
        The clips, and the number of clips that are in neither part. The group
        is the film or video that a clip was cut from, by its name.

    Raises:
        FileNotFoundError: If there are no lists.
        ValueError: If a line has another format.
    """
    ending = f"_test_split{split}.txt"
    paths = sorted(pathlib.Path(lists_dir).glob(f"*{ending}"))
    if not paths:
        raise FileNotFoundError(
            f"Expected lists such as brush_hair{ending} in {lists_dir}. "
            "Received: none. Pass the folder testTrainMulti_7030_splits."
        )
    clips = []
    for path in paths:
        label = path.name.removesuffix(ending)
        clips += [_parse(path, *line, label) for line in read_list(path)]
    used = [clip for clip in clips if clip.split]
    return used, len(clips) - len(used)


def source_of(name: str, label: str) -> str:
    """Returns the film or video that a clip was cut from.

    It is the part of the file's name before the class: `April_09` of
    `April_09_brush_hair_u_nm_np1_ba_goo_0.avi`. If the name has another format,
    it is all but the suffix.
    """
    stem = name.removesuffix(".avi")
    return re.sub(_ATTRIBUTES, "", stem).removesuffix(f"_{label}")


def _parse(path, line, text, label):
    name, _, digit = text.rpartition(" ")
    name = name.strip()
    if digit not in _SPLITS or not name or "/" in name:
        raise ValueError(
            f"Expected lines with a name and 0, 1 or 2 in {path}. Received: "
            f"{text!r} in line {line}. Use the official file."
        )
    source = source_of(name, label)
    return ListedClip(f"{label}/{name}", label, _SPLITS[digit], source)
