"""Random splits of clips into training, validation and test."""

import collections
from collections.abc import Sequence

import numpy as np

from ac_keras.annotations.clip_table import SPLITS
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.official_lists import ListedClip


def draw_splits(
    clips: list[ClipRow],
    validation_share: float,
    test_share: float,
    seed: int,
) -> dict[str, list[ClipRow]]:
    """Returns the clips of each split.

    If the table has no column of splits, they are drawn at random, stratified
    by class (by set of classes) to within two clips. Training clips are
    shuffled, because tables are often sorted by class; others keep the table's
    order.

    Args:
        clips: The rows.
        validation_share: Fraction of validation clips, from 0 to 1; 0 if the
            table has splits.
        test_share: Fraction of test clips, likewise.
        seed: Seed of the draw and the order.

    Returns:
        Mapping from a split's name to its clips; no split is empty.

    Raises:
        ValueError: If shares are given for a table with splits, they leave
            nothing for training, or a share is too small for a clip.
    """
    total = validation_share + test_share
    rng = np.random.default_rng(seed)
    if total and clips[0].split:
        raise ValueError(
            "Expected shares of 0, as the table has splits. Received: "
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
        names = _draw_stratified(clips, validation_share, test_share, rng)
    order = {name: np.flatnonzero(names == name) for name in SPLITS}
    shares = {"validation": validation_share, "test": test_share}
    empty = [x for x in shares if shares[x] and not len(order[x])]
    if empty:
        raise ValueError(
            "Expected one clip or more in each split that has a share. "
            f"Received: none of {len(clips)} clips for {empty}. Raise its "
            "share or set it to 0."
        )
    order["train"] = rng.permutation(order["train"])
    return {
        name: [clips[i] for i in rows]
        for name, rows in order.items()
        if len(rows)
    }


def _draw_stratified(clips, validation_share, test_share, rng):
    """Draws the split of each clip, stratified by class."""
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
    """Returns a mask with that share of ones at equal distances."""
    steps = np.floor(np.arange(count + 1) * share + rng.random())
    return np.diff(steps) > 0


def hold_out_groups(
    clips: Sequence[ListedClip], share: float, seed: int
) -> list[ListedClip]:
    """Moves groups of training clips to the validation split.

    Clips of a group stay together. Groups are drawn at random as long as no
    class exceeds its share of training clips, rounded. The draw depends on the
    lists alone, not on the existing files.

    Args:
        clips: Clips of all splits.
        share: Fraction of validation clips, from 0 to 1; 0 moves none.
        seed: Seed of the draw.

    Returns:
        The clips in the same order, with their splits.

    Raises:
        ValueError: If the share is not from 0 to 1, or if it is above 0 and
            too small for every group.
    """
    if not 0 <= share < 1:
        raise ValueError(
            "Expected a share of validation clips from 0 to less than 1. "
            f"Received: share={share}. Leave some clips for training."
        )
    sizes = collections.defaultdict(collections.Counter)
    for clip in clips:
        if clip.split == "train":
            sizes[clip.group][clip.label] += 1
    held = _draw_groups(sizes, share, seed)
    if share and not held:
        raise ValueError(
            "Expected a share of at least one group of clips. "
            f"Received: share={share} of {len(sizes)} groups. Raise it, or "
            "set it to 0."
        )
    return [
        clip._replace(split="validation")
        if clip.split == "train" and clip.group in held
        else clip
        for clip in clips
    ]


def _draw_groups(sizes, share, seed):
    """Draws groups; `sizes` maps a group to its number of clips by class."""
    totals = collections.Counter()
    for counts in sizes.values():
        totals.update(counts)
    left = {label: int(share * n + 0.5) for label, n in totals.items()}
    groups, held = sorted(sizes), set()
    for index in np.random.default_rng(seed).permutation(len(groups)):
        counts = sizes[groups[index]]
        if all(counts[label] <= left[label] for label in counts):
            held.add(groups[index])
            for label in counts:
                left[label] -= counts[label]
    return held
