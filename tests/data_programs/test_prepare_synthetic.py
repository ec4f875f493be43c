"""data/synthetic/prepare.py, run as a program with small clips."""

import os
import re
import shutil
import signal

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from prepared_folder import differing_files
from prepared_folder import folder_contents
from synthetic_program import NUM_CLASSES
from synthetic_program import PROGRAM
from synthetic_program import SIZES
from synthetic_program import TRAIN_COUNTS
from synthetic_program import read_examples

each_split = pytest.mark.parametrize("split", SIZES)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A folder and what the program said when it was done."""
    directory = tmp_path_factory.mktemp("synthetic")
    return directory, PROGRAM.run_well(directory)


@pytest.fixture(scope="module")
def clips(complete):
    return {split: read_examples(complete[0], split) for split in SIZES}


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A folder that was killed half-way and ended on one core."""
    directory = tmp_path_factory.mktemp("interrupted")
    code = PROGRAM.kill_at(" 5/13 [", directory)
    left = folder_contents(directory)
    core = {min(os.sched_getaffinity(0))}
    PROGRAM.run_well(
        directory, preexec_fn=lambda: os.sched_setaffinity(0, core)
    )
    return code, left, directory


def test_it_says_where_the_dataset_is_and_how_large(complete):
    directory, said = complete
    assert said.splitlines() == [
        "train: 359 clips, 9 files",
        "validation: 70 clips, 2 files",
        "test: 70 clips, 2 files",
        f"The synthetic dataset is in {directory}",
    ]


def test_the_manifest_tells_what_was_made(complete):
    description = Manifest.load(complete[0]).description
    assert description.name == "synthetic"
    assert description.num_classes == NUM_CLASSES
    assert description.seed == 0
    assert not description.multi_label
    assert description.modalities["audio"].dtype == "float16"
    assert description.settings["max_clips_per_class"] == 100


def test_training_clips_follow_a_power_law_over_the_classes(clips):
    labels = [clip["labels"][0] for clip in clips["train"]]
    assert np.bincount(labels).tolist() == TRAIN_COUNTS


@pytest.mark.parametrize("split", ["validation", "test"])
def test_other_splits_are_even_over_the_classes(clips, split):
    labels = [clip["labels"][0] for clip in clips[split]]
    assert np.bincount(labels).tolist() == [4] * 10 + [3] * 10


@each_split
def test_the_manifest_counts_the_clips_of_each_class(complete, clips, split):
    labels = [clip["labels"][0] for clip in clips[split]]
    counts = Manifest.load(complete[0]).split(split).class_counts
    np.testing.assert_array_equal(counts, np.bincount(labels))


@each_split
def test_synthetic_clips_are_numbered_in_their_order(clips, split):
    expected = [f"{split}-{i:07d}" for i in range(SIZES[split])]
    assert [clip["id"] for clip in clips[split]] == expected


def test_classes_come_in_random_order(clips):
    labels = [clip["labels"][0] for clip in clips["train"]]
    correlation = np.corrcoef(labels, np.arange(len(labels)))[0, 1]
    assert abs(correlation) < 4.5 / len(labels) ** 0.5


@each_split
def test_clips_have_25_rgb_frames_and_10_to_25_of_audio(clips, split):
    assert {len(clip["rgb"]) for clip in clips[split]} == {25}
    counts = {len(clip["audio"]) for clip in clips[split]} - {0}
    assert min(counts) >= 10 and max(counts) <= 25 and len(counts) > 10


def test_a_tenth_of_the_clips_has_no_audio(clips):
    absent = [len(x["audio"]) == 0 for split in SIZES for x in clips[split]]
    deviation = (0.1 * 0.9 / len(absent)) ** 0.5
    assert abs(np.mean(absent) - 0.1) < 4.5 * deviation


@pytest.mark.parametrize("name", ["rgb", "audio"])
def test_features_are_like_pooled_relu_units(clips, name):
    features = np.concatenate([clip[name] for clip in clips["test"]])
    assert features.min() == 0
    assert 0.2 < features.mean() < 2
    assert 0.2 < np.mean(features > 0) < 0.9
    assert 2 < features.max() < 20


def test_no_two_frames_are_the_same(clips):
    frames = [f.tobytes() for s in SIZES for x in clips[s] for f in x["rgb"]]
    assert len(set(frames)) == len(frames)


def test_a_kill_leaves_whole_shards_and_the_plan(complete, interrupted):
    code, left, _ = interrupted
    assert code == -signal.SIGKILL
    shards = [name for name in left if name.endswith(".tfrecord")]
    whole = folder_contents(complete[0])
    assert "writing.json" in left
    assert 5 <= len(shards) < 13
    assert all(left[name] == whole[name] for name in shards)


def test_a_killed_run_ended_on_one_core_has_the_same_bytes(
    complete, interrupted
):
    assert not differing_files(complete[0], interrupted[2])
    assert len(folder_contents(complete[0])) == 14


def test_the_same_command_again_says_that_all_is_there(complete, tmp_path):
    directory = tmp_path / "again"
    shutil.copytree(complete[0], directory)
    assert PROGRAM.run_well(directory) == f"{directory} is complete already.\n"
    assert not differing_files(complete[0], directory)


def test_another_seed_into_the_folder_is_refused(complete):
    before = folder_contents(complete[0])
    result = PROGRAM.run(complete[0], seed=1)
    assert result.returncode != 0
    assert "Received: seed: expected 1, found 0." in result.stderr
    assert folder_contents(complete[0]) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": "rgb:96"}, "NAME:DIM:FRAMES.*Received: 'rgb:96'"),
        ({"max_clips_per_class": 4}, "up to --max_clips.*Received: 5 and 4"),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmp_path, options, message):
    result = PROGRAM.run(tmp_path, **options)
    assert result.returncode != 0
    assert re.search(message, result.stderr, re.DOTALL)
    assert not folder_contents(tmp_path)
