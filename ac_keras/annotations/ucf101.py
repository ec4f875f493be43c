"""The official lists of UCF101."""

import os
import pathlib
import re
from collections.abc import Collection
from collections.abc import Sequence

from ac_keras.annotations.official_lists import ListedClip
from ac_keras.annotations.official_lists import read_list

_LINE = re.compile(
    r"(?P<name>(?P<label>[^/\s]+)/v_[^/\s]+_(?P<group>g\d+)_c\d+\.avi)"
    r"(\s+(?P<number>\d+))?"  # in the lists of training videos alone
)


def read_lists(lists_dir: str | os.PathLike, split: int) -> list[ListedClip]:
    """Reads the clips of one of the three official splits.

    Args:
        lists_dir: The folder of `classInd.txt`, `trainlist0N.txt` and
            `testlist0N.txt`.
        split: N, from 1 to 3.

    Returns:
        Clips of training, then of the test. The group is the class and the
        number of the video that a clip is cut from, such as `Archery/g08`.

    Raises:
        FileNotFoundError: If a list is not there.
        ValueError: If a line is not as it must be.
    """
    folder = pathlib.Path(lists_dir)
    classes = _read_classes(folder / "classInd.txt")
    clips = []
    for part in ("train", "test"):
        path = folder / f"{part}list{split:02d}.txt"
        for line, text in read_list(path):
            clips.append(_parse(path, line, text, classes, part))
    return clips


def hold_out_numbers(
    clips: Sequence[ListedClip], numbers: Collection[int]
) -> list[ListedClip]:
    """Makes validation clips of the training groups of some numbers.

    Args:
        clips: What `read_lists` gives.
        numbers: Of groups: 8 stands for `g08` of every class.

    Returns:
        The clips in the same order.

    Raises:
        ValueError: If a number has no training clips, or no other has any.
    """
    own = {_number(clip) for clip in clips if clip.split == "train"}
    if not set(numbers) <= own or set(numbers) == own:
        raise ValueError(
            f"Expected some of the training groups {sorted(own)}. Received: "
            f"groups {sorted(numbers)}. Leave some for training; the others "
            "are the test's."
        )
    return [
        clip._replace(split="validation")
        if clip.split == "train" and _number(clip) in numbers
        else clip
        for clip in clips
    ]


def _number(clip):
    return int(clip.group.rpartition("/g")[2])


def _read_classes(path):
    """Gives the mapping of `1 ApplyEyeMakeup` from name to number."""
    classes = {}
    for line, text in read_list(path):
        number, _, name = text.partition(" ")
        if not number.isdecimal() or not name:
            raise ValueError(
                f"Expected lines such as 1 ApplyEyeMakeup in {path}. "
                f"Received: {text!r} in line {line}. Take the official file."
            )
        classes[name.strip()] = number
    return classes


def _parse(path, line, text, classes, split):
    parts = _LINE.fullmatch(text)
    if not parts:
        raise ValueError(
            "Expected lines such as Archery/v_Archery_g08_c01.avi 3 in "
            f"{path}. Received: {text!r} in line {line}. Take the official "
            "file."
        )
    label, number = parts["label"], parts["number"]
    if label not in classes or number not in (None, classes[label]):
        raise ValueError(
            f"Expected the class and its number as in classInd.txt in {path}. "
            f"Received: {text!r} in line {line}. Take lists that belong "
            "together."
        )
    return ListedClip(parts["name"], label, split, f"{label}/{parts['group']}")
