"""data/synthetic/prepare.py, run as a program with small clips."""

import collections
import functools
import os
import re

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from support.datasets.data_program import differing_files
from support.datasets.data_program import kill_prepare_at
from support.datasets.data_program import read_clips
from support.datasets.data_program import refusal
from support.datasets.data_program import run_prepare_well
from support.records.plain_records import folder_contents

pytestmark = pytest.mark.programs

NUM_CLASSES = 20
DIMS = {"rgb": 96, "audio": 32}
SMALL = {
    "num_classes": NUM_CLASSES,
    "modalities": "rgb:96:25,audio:32:10-25",
    "max_clips_per_class": 100,
    "min_clips_per_class": 5,
    "num_validation": 70,
    "num_test": 70,
    "clips_per_shard": 40,
}
# 100 / rank, rounded: the power law that ends at 5 has the exponent 1.
TRAIN_COUNTS = [100, 50, 33, 25, 20, 17, 14, 12, 11, 10]
TRAIN_COUNTS += [9, 8, 8, 7, 7, 6, 6, 6, 5, 5]
SIZES = {"train": sum(TRAIN_COUNTS), "validation": 70, "test": 70}


def run(directory, *arguments, runner=run_prepare_well, **options):
    options = {"output_dir": directory, **SMALL, **options}
    return runner("synthetic", *arguments, **options)


each_split = pytest.mark.parametrize("split", SIZES)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A folder and what the program said when it was done."""
    directory = tmp_path_factory.mktemp("synthetic")
    return directory, run(directory)


@pytest.fixture(scope="module")
def clips(complete):
    return {split: read_clips(complete[0], split, DIMS) for split in SIZES}


def test_the_manifest_describes_what_was_made(complete):
    directory, said = complete
    assert said.splitlines() == [
        "train: 359 clips, 9 files",
        "validation: 70 clips, 2 files",
        "test: 70 clips, 2 files",
        f"The synthetic dataset is in {directory}",
    ]
    description = Manifest.load(directory).description
    assert description.name == "synthetic"
    assert description.num_classes == NUM_CLASSES
    assert description.seed == 0
    assert not description.multi_label
    assert description.modalities["audio"].dtype == "float16"
    assert description.settings["max_clips_per_class"] == 100


@each_split
def test_clips_of_a_split_are_numbered_and_counted(complete, clips, split):
    labels = [clip["labels"][0] for clip in clips[split]]
    counts = Manifest.load(complete[0]).split(split).class_counts
    np.testing.assert_array_equal(counts, np.bincount(labels))
    expected = [f"{split}-{i:07d}" for i in range(SIZES[split])]
    assert [clip["id"] for clip in clips[split]] == expected
    assert {len(clip["rgb"]) for clip in clips[split]} == {25}
    counts = {len(clip["audio"]) for clip in clips[split]} - {0}
    assert min(counts) >= 10 and max(counts) <= 25 and len(counts) > 10


def test_classes_follow_a_power_law_in_training_in_random_order(clips):
    labels = {s: [x["labels"][0] for x in clips[s]] for s in SIZES}
    assert np.bincount(labels["train"]).tolist() == TRAIN_COUNTS
    for split in ("validation", "test"):
        assert np.bincount(labels[split]).tolist() == [4] * 10 + [3] * 10
    count = len(labels["train"])
    correlation = np.corrcoef(labels["train"], np.arange(count))[0, 1]
    assert abs(correlation) < 4.5 / count**0.5


def test_a_tenth_of_the_clips_has_no_audio(clips):
    absent = [len(x["audio"]) == 0 for split in SIZES for x in clips[split]]
    deviation = (0.1 * 0.9 / len(absent)) ** 0.5
    assert abs(np.mean(absent) - 0.1) < 4.5 * deviation


def test_features_are_like_pooled_relu_units(clips):
    for name in DIMS:
        features = np.concatenate([clip[name] for clip in clips["test"]])
        assert features.min() == 0
        assert 0.2 < features.mean() < 2
        assert 0.2 < np.mean(features > 0) < 0.9
        assert 2 < features.max() < 20
    frames = [f.tobytes() for s in SIZES for x in clips[s] for f in x["rgb"]]
    assert len(set(frames)) == len(frames)


def test_a_killed_run_ended_on_one_core_has_the_same_bytes(complete, tmp_path):
    run(tmp_path, runner=functools.partial(kill_prepare_at, " 5/13 ["))
    left, whole = map(folder_contents, (tmp_path, complete[0]))
    shards = [name for name in left if name.endswith(".tfrecord")]
    assert "writing.json" in left
    assert 5 <= len(shards) < 13
    assert all(left[name] == whole[name] for name in shards)
    run(tmp_path, cores={min(os.sched_getaffinity(0))})
    assert not differing_files(complete[0], tmp_path)
    assert len(whole) == 14


def test_a_complete_folder_is_left_as_it_is(complete):
    directory, _ = complete
    before = folder_contents(directory)
    assert run(directory) == f"{directory} is complete already.\n"
    said = run(directory, runner=refusal, seed=1)
    assert "Received: seed: expected 1, found 0." in said
    assert folder_contents(directory) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": "rgb:96"}, "NAME:DIM:FRAMES.*Received: 'rgb:96'"),
        ({"max_clips_per_class": 4}, "up to --max_clips.*Received: 5 and 4"),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmp_path, options, message):
    said = run(tmp_path, runner=refusal, **options)
    assert re.search(message, said, re.DOTALL)
    assert not folder_contents(tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Clips with no noise, whose frames all show one of their labels."""
    directory = tmp_path_factory.mktemp("plain")
    options = {"noise": 0, "key_share": 1, "confusion": 0}
    run(directory, multi_label=True, dtype="float32", **options)
    assert Manifest.load(directory).description.multi_label
    return read_clips(directory, "train", DIMS, "float32")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Label and shown prototypes of every training clip without noise."""
    directory = tmp_path_factory.mktemp("quiet")
    run(directory, noise=0, dtype="float32")
    return [
        (clip["labels"][0], prototypes(clip["rgb"]))
        for clip in read_clips(directory, "train", DIMS, "float32")
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


def test_frames_show_backgrounds_of_all_and_few_a_class_of_the_family(
    shown, views
):
    assert 90 <= list(views.values()).count(None) <= 100
    keys = [sum(views[x] is not None for x in names) for _, names in shown]
    assert min(keys) == 1
    assert 0.12 < np.mean(keys) / 25 < 0.2  # 0.16 and the one
    seen = [
        (label, views[name])
        for label, names in shown
        for name in names
        if views[name] is not None
    ]
    label, seen_as = np.array(seen).T
    assert 0.6 < np.mean(label == seen_as) < 0.8
    assert np.mean((label - seen_as) % 2 == 0) > 0.97  # every second class


def test_a_linear_classifier_learns_clear_clips(tmp_path):
    """By ridge regression on the mean of the rgb frames, made easier."""
    run(tmp_path, noise=0.3, key_share=0.4, confusion=0.1)
    means, labels = {}, {}
    for split in ("train", "test"):
        clips = read_clips(tmp_path, split, DIMS)
        means[split] = np.array([x["rgb"].mean(0, dtype="f8") for x in clips])
        labels[split] = np.array([clip["labels"][0] for clip in clips])
    center, scale = means["train"].mean(axis=0), means["train"].std(axis=0)
    x, x_test = ((means[s] - center) / scale for s in ("train", "test"))
    y = labels["train"]
    targets = np.eye(NUM_CLASSES)[y] / np.sqrt(np.bincount(y))
    covariance = x.T @ x + np.eye(x.shape[1])
    weights = np.linalg.solve(covariance, x.T @ targets)
    named = np.argmax(x_test @ weights, axis=1)
    assert np.mean(named == labels["test"]) > 0.5  # by chance 0.05


def test_multi_label_clips_have_one_to_five_labels(plain):
    labels = [clip["labels"] for clip in plain]
    assert {len(x) for x in labels} == {1, 2, 3, 4, 5}
    assert all(len(set(x)) == len(x) for x in labels)
    assert np.bincount([x[0] for x in labels]).tolist() == TRAIN_COUNTS


def test_a_class_has_three_views_in_random_order(plain):
    frames = [clip["rgb"] for clip in plain if len(clip["labels"]) == 1]
    views = {len(np.unique(x, axis=0)) for x in frames}
    assert views == {3}  # two among 25 frames would be 1 in 8,000
    # Were they in order, a frame would often be the same as the next.
    same = [(x[1:] == x[:-1]).all(axis=1).mean() for x in frames]
    deviation = (1 / 3 * 2 / 3 / (24 * len(same))) ** 0.5
    assert abs(np.mean(same) - 1 / 3) < 4.5 * deviation
