"""Validation clips, held out from training by whole groups."""

import collections
from collections.abc import Sequence

import numpy as np

from ac_keras.extraction.listed_clips import ListedClip


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
    held = _draw(sizes, share, seed)
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


def _draw(sizes, share, seed):
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
