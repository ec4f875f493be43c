"""Shards of clips, made side by side, are what one maker makes in turn."""

import numpy as np
import pytest

from ac_keras.datasets.flash_mnist import FlashShards
from ac_keras.datasets.flash_mnist import write_previews
from support.datasets.coded_digits import make_maker

SIZES = {"train": 300, "test": 90}
ALL = [("train", 0), ("train", 1), ("train", 2), ("test", 0)]
SPLITS = tuple(SIZES)


def stream(split, *index):
    return np.random.default_rng([SPLITS.index(split), *index])


def make_shards(**kwargs):
    makers = dict.fromkeys(SIZES, make_maker())
    return FlashShards(makers, SIZES, 120, stream, **kwargs)


def extract(frames):
    """Two numbers of a frame: its mean and its brightest column."""
    means = frames.mean(axis=(2, 3))
    columns = frames[..., :10, :].max(axis=2).argmax(axis=2)
    return np.stack([means, columns], 2).astype(np.float32)


def clips_of(shards, wanted, **kwargs):
    """All clips of some shards."""
    ask = shards.clips(wanted, extract, **kwargs)
    return [clip for shard in wanted for clip in ask(*shard)]


@pytest.fixture(scope="module")
def clips():
    return clips_of(make_shards(), ALL)


def test_shards_hold_about_equally_many_clips_within_the_limit():
    shards = make_shards()
    assert shards.counts == {"train": 3, "test": 1}
    assert len(clips_of(shards, [("train", 1)])) == 100


def test_clips_are_numbered_over_a_splits_shards(clips):
    expected = [f"{s}-{i:07d}" for s in SIZES for i in range(SIZES[s])]
    assert [clip.id for clip in clips] == expected


@pytest.mark.parametrize("first, stop", [(100, 164), (164, 200)])
def test_a_chunk_is_what_its_random_stream_gives(clips, first, stop):
    rng = stream("train", 1, first)
    labels = rng.integers(0, 1024, stop - first)
    features = extract(make_maker().clips(labels, rng))
    found = clips[first:stop]
    assert [clip.labels for clip in found] == [(x,) for x in labels]
    assert features.std(axis=(0, 1)).min() > 0.1
    for clip, expected in zip(found, features, strict=True):
        np.testing.assert_array_equal(clip.frames["rgb"], expected)


def test_some_shards_are_the_same_without_the_others(clips):
    alone = clips_of(make_shards(), [("train", 2), ("test", 0)])
    for clip, expected in zip(alone, clips[200:], strict=True):
        assert (clip.id, clip.labels) == (expected.id, expected.labels)
        np.testing.assert_array_equal(
            clip.frames["rgb"], expected.frames["rgb"]
        )


def test_balanced_shards_have_classes_equally_often():
    found = clips_of(make_shards(balanced=True), ALL[:3])
    labels = [clip.labels[0] for clip in found]
    assert len(set(labels)) == 300


@pytest.mark.parametrize(
    "asked", [ALL[1], ("test", 0)], ids=["another", "none_of_them"]
)
def test_shards_out_of_turn_are_refused(asked):
    ask = make_shards().clips(ALL[:2], extract)
    if asked == ("test", 0):
        assert [len(list(ask(*shard))) for shard in ALL[:2]] == [100, 100]
    with pytest.raises(ValueError, match="out of turn. Call clips anew"):
        next(ask(*asked))


@pytest.mark.parametrize("kept", [[], ALL[:1], ALL[:3]])
def test_digits_of_frames_are_those_of_the_clips_kept_or_not(kept):
    shards = make_shards()
    clips_of(shards, kept, keep_digits="train")
    digits = shards.frame_digits("train")
    assert digits.shape == (300, 25, 10) and digits.dtype == bool
    first = shards.frames("train", 1, 100, 164)
    np.testing.assert_array_equal(digits[100:164], first[2])
    shown = (first[1][..., :10, :] == 255).any(axis=3)
    np.testing.assert_array_equal(digits[100:164], shown)


def test_kept_digits_are_not_made_again(monkeypatch):
    shards = make_shards()
    clips_of(shards, ALL[:3], keep_digits="train")
    expected = make_shards().frame_digits("train")
    monkeypatch.setattr(shards, "frames", None)
    np.testing.assert_array_equal(shards.frame_digits("train"), expected)


def test_previews_are_the_first_test_clips(tmp_path, clips):
    write_previews(tmp_path, make_shards())
    with np.load(tmp_path / "previews.npz") as kept:
        assert kept["ids"].tolist() == [clip.id for clip in clips[300:316]]
        assert kept["labels"].tolist() == [x.labels[0] for x in clips[300:316]]
        features = extract(kept["rgb"])
    for clip, expected in zip(clips[300:316], features, strict=True):
        np.testing.assert_array_equal(clip.frames["rgb"], expected)
