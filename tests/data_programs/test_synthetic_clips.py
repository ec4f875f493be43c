"""What data/synthetic/prepare.py puts into clips, seen without noise."""

import collections

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from synthetic_program import NUM_CLASSES
from synthetic_program import PROGRAM
from synthetic_program import SIZES
from synthetic_program import TRAIN_COUNTS
from synthetic_program import read_examples


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Clips with no noise, whose frames all show one of their labels."""
    directory = tmp_path_factory.mktemp("plain")
    options = {"noise": 0, "key_share": 1, "confusion": 0}
    PROGRAM.run_well(directory, multi_label=True, dtype="float32", **options)
    return directory


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Label and shown prototypes of every training clip without noise."""
    directory = tmp_path_factory.mktemp("quiet")
    PROGRAM.run_well(directory, noise=0, dtype="float32")
    return [
        (clip["labels"][0], prototypes(clip["rgb"]))
        for clip in read_examples(directory, "train", "float32")
    ]


def prototypes(frames):
    """Names what each frame of a clip shows: its features above the scene.

    Prototypes are mostly zeros, so the least of 25 frames is the scene.
    """
    active = frames > frames.min(axis=0) + 1e-5
    return [frame.tobytes() for frame in np.packbits(active, axis=1)]


@pytest.fixture(scope="module")
def views(shown):
    """The class whose clips show a prototype most; None for backgrounds."""
    classes = collections.defaultdict(collections.Counter)
    for label, names in shown:
        for name in names:
            classes[name][label] += 1 / TRAIN_COUNTS[label]
    # A family has ten classes.
    return {
        name: counts.most_common(1)[0][0] if len(counts) <= 10 else None
        for name, counts in classes.items()
    }


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    """Clips that are easier than usual."""
    directory = tmp_path_factory.mktemp("clear")
    PROGRAM.run_well(directory, noise=0.3, key_share=0.4, confusion=0.1)
    return {split: read_examples(directory, split) for split in SIZES}


def test_all_classes_share_the_backgrounds(views):
    assert 90 <= list(views.values()).count(None) <= 100


def test_few_frames_of_a_clip_show_a_class_and_one_always_does(shown, views):
    keys = [sum(views[x] is not None for x in names) for _, names in shown]
    assert min(keys) == 1
    assert 0.12 < np.mean(keys) / 25 < 0.2  # 0.16 and the one


def test_a_third_of_those_show_another_class_of_the_family(shown, views):
    seen = [
        (label, views[name])
        for label, names in shown
        for name in names
        if views[name] is not None
    ]
    label, seen_as = np.array(seen).T
    assert 0.6 < np.mean(label == seen_as) < 0.8
    assert np.mean((label - seen_as) % 2 == 0) > 0.97  # every second class


def test_a_linear_classifier_learns_clear_clips(clear):
    """By ridge regression on the mean of the rgb frames."""
    x, x_test = (
        np.array([clip["rgb"].mean(axis=0, dtype="f8") for clip in clear[s]])
        for s in ("train", "test")
    )
    y, y_test = (
        np.array([clip["labels"][0] for clip in clear[s]])
        for s in ("train", "test")
    )
    scale, x_test = x.std(axis=0), (x_test - x.mean(axis=0)) / x.std(axis=0)
    x = (x - x.mean(axis=0)) / scale
    targets = np.eye(NUM_CLASSES)[y] / np.sqrt(np.bincount(y))
    covariance = x.T @ x + np.eye(x.shape[1])
    weights = np.linalg.solve(covariance, x.T @ targets)
    named = np.argmax(x_test @ weights, axis=1)
    assert np.mean(named == y_test) > 0.5  # by chance 0.05


def test_multi_label_clips_have_one_to_five_labels(plain):
    assert Manifest.load(plain).description.multi_label
    labels = [x["labels"] for x in read_examples(plain, "train", "float32")]
    assert {len(x) for x in labels} == {1, 2, 3, 4, 5}
    assert all(len(set(x)) == len(x) for x in labels)


def test_the_first_labels_of_multi_label_clips_follow_the_power_law(plain):
    clips = read_examples(plain, "train", "float32")
    first = [clip["labels"][0] for clip in clips]
    assert np.bincount(first).tolist() == TRAIN_COUNTS


def test_a_class_has_three_views_for_its_frames(plain):
    clips = read_examples(plain, "train", "float32")
    views = [
        len(np.unique(clip["rgb"], axis=0))
        for clip in clips
        if len(clip["labels"]) == 1
    ]
    assert set(views) == {3}  # two among 25 frames would be 1 in 8,000


def test_frames_of_a_clip_are_in_random_order(plain):
    """Else a frame would be alike to the next more than to others."""
    clips = read_examples(plain, "train", "float32")
    same = [
        (clip["rgb"][1:] == clip["rgb"][:-1]).all(axis=1).mean()
        for clip in clips
        if len(clip["labels"]) == 1
    ]
    deviation = (1 / 3 * 2 / 3 / (24 * len(same))) ** 0.5
    assert abs(np.mean(same) - 1 / 3) < 4.5 * deviation
