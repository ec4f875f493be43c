"""Validation clips are held out by whole groups."""

import collections

import pytest

from ac_keras.annotations.official_lists import ListedClip
from ac_keras.annotations.splits import hold_out_groups


def listed(label, group, index, split="train"):
    name = f"{label}/{group}_{index}.avi"
    return ListedClip(name, label, split, group)


# Two classes of 20 groups of 5 clips, of which `shared` has clips of both.
CLIPS = [
    listed(label, "shared" if i == 0 else f"{label}{i}", k)
    for label in ("run", "jump")
    for i in range(20)
    for k in range(5)
] + [listed("run", "run1", k, "test") for k in range(5, 9)]


def held(clips):
    return [clip for clip in clips if clip.split == "validation"]


@pytest.mark.parametrize("seed", range(6))
def test_a_group_is_held_out_whole_and_a_class_gives_its_share(seed):
    clips = hold_out_groups(CLIPS, 0.2, seed)
    assert [clip.name for clip in clips] == [clip.name for clip in CLIPS]
    counts = collections.Counter(clip.label for clip in held(clips))
    assert counts == {"run": 20, "jump": 20}
    training = {clip.group for clip in clips if clip.split == "train"}
    assert not training & {clip.group for clip in held(clips)}


def test_clips_of_the_test_stay():
    for seed in range(6):
        clips = hold_out_groups(CLIPS, 0.2, seed)
        assert clips[-4:] == CLIPS[-4:]


def test_the_seed_decides_and_the_files_do_not():
    with_files = [clip._replace(file=clip.name) for clip in CLIPS[::-1]]
    first, again, other = (
        {clip.name for clip in held(hold_out_groups(clips, 0.2, seed))}
        for clips, seed in ((CLIPS, 1), (with_files, 1), (CLIPS, 2))
    )
    assert first == again != other


def test_a_share_of_nothing_holds_out_none():
    assert hold_out_groups(CLIPS, 0, 0) == CLIPS


@pytest.mark.parametrize(
    "share, message", [(1, "share=1"), (-0.1, "share=-0.1"), (0.01, "Raise it")]
)
def test_a_share_that_cannot_be_is_refused(share, message):
    with pytest.raises(ValueError, match=message):
        hold_out_groups(CLIPS, share, 0)
