"""Which clips of a table are for training, validation and test."""

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


def hold_out_groups(
    clips: Sequence[ListedClip], share: float, seed: int
) -> list[ListedClip]:
    """Makes validation clips of some training clips.

    Clips of a group are held out together. Groups are drawn for as long as no
    class gives more than its share of training clips, rounded. The draw
    depends on the lists alone, not on which files are there.

    Args:
        clips: Clips of all splits.
        share: From 0 to 1; 0 holds out none.
        seed: Decides the draw.

    Returns:
        The clips in the same order, with their splits.

    Raises:
        ValueError: If the share is not from 0 to 1, or if it is above 0 and
            too small for any group.
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
    held = _draw_of_held_out_groups(sizes, share, seed)
    if share and not held:
        raise ValueError(
            "Expected a share that holds out a group of clips or more. "
            f"Received: share={share} of {len(sizes)} groups. Raise it, or "
            "set it to 0."
        )
    return [
        clip._replace(split="validation")
        if clip.split == "train" and clip.group in held
        else clip
        for clip in clips
    ]


def _draw_of_held_out_groups(sizes, share, seed):
    """Draws groups from a mapping of group to the sizes of its classes."""
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
