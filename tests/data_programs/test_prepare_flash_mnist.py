"""data/flash_mnist/prepare.py, run as a program, killed and started again."""

import functools
import os
import re
import shutil

import keras
import numpy as np
import pytest

from ac_keras.datasets import FlashMnist
from ac_keras.datasets import FrameDigits
from ac_keras.datasets import load_digits
from ac_keras.models import frame_cnn
from ac_keras.pipeline import Manifest
from support.datasets.data_program import differing_files
from support.datasets.data_program import images_under
from support.datasets.data_program import kill_prepare_at
from support.datasets.data_program import read_split
from support.datasets.data_program import refusal
from support.datasets.flash_mnist_runs import NUM_SHARDS
from support.datasets.flash_mnist_runs import SIZES
from support.datasets.flash_mnist_runs import complete_run
from support.datasets.flash_mnist_runs import run_small
from support.records.plain_records import folder_contents

pytestmark = pytest.mark.programs

each_split = pytest.mark.parametrize("split", SIZES)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return complete_run(tmp_path_factory)


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    """The folder with as many training clips as there are classes.

    Its CNN was pretrained at a falling rate, on the frames of the others.
    """
    directory = tmp_path_factory.mktemp("balanced")
    options = {"num_train": 1024 + 60, "cnn_schedule": "cosine"}
    run_small(directory, balanced=True, **options)
    return directory


def load_cnn(directory):
    model = frame_cnn()
    model.load_weights(directory / "frame_cnn.weights.h5")
    return model


@pytest.fixture(scope="module")
def previews(complete):
    return np.load(complete / "previews.npz")


@pytest.fixture(scope="module")
def digits():
    return load_digits("uci")


def test_it_writes_the_documented_files_and_prints_their_sizes(complete):
    lines = (complete.parent / "said").read_text().splitlines()
    assert lines[-4:] == [
        "train: 340 clips, 7 files",
        "validation: 60 clips, 2 files",
        "test: 100 clips, 2 files",
        f"Flash-MNIST is in {complete}",
    ]
    assert set(folder_contents(complete)) == {
        *(
            f"{split}-{index:05d}-of-{count:05d}.tfrecord"
            for split, count in NUM_SHARDS.items()
            for index in range(count)
        ),
        "frame_cnn.weights.h5",
        "frame_digits.npz",
        "manifest.json",
        "previews.npz",
    }


def test_the_manifest_describes_the_dataset_with_its_settings(
    complete, balanced
):
    description = Manifest.load(complete).description
    assert description.name == "flash_mnist"
    assert description.num_classes == 1024
    assert description.seed == 0
    assert not description.multi_label
    assert description.settings["features"] == "relu"
    assert description.settings["num_empty"] == 100
    # A dataset made before there was a choice is still the same.
    assert "cnn_schedule" not in description.settings
    settings = Manifest.load(balanced).description.settings
    assert settings["cnn_schedule"] == "cosine"


@each_split
def test_a_split_has_its_clips_numbered_and_counted_in_files_of_50(
    complete, split
):
    manifest = Manifest.load(complete)
    sizes = [shard.num_clips for shard in manifest.split(split).shards]
    assert sum(sizes) == SIZES[split]
    assert 40 < min(sizes) <= max(sizes) <= 50 or split == "validation"
    assert len(sizes) == NUM_SHARDS[split]
    ids, labels, features = read_split(complete, split)
    assert ids == [f"{split}-{i:07d}" for i in range(SIZES[split])]
    expected = np.bincount(labels, minlength=1024)
    counts = manifest.split(split).class_counts
    np.testing.assert_array_equal(counts, expected)
    assert features.shape == (SIZES[split], 25, 50)
    assert features.min() == 0
    assert features.max() > 0.5
    assert 0.1 < np.mean(features > 0) < 0.95


def test_labels_and_clips_are_drawn_for_each_split(complete):
    splits = [read_split(complete, split) for split in SIZES]
    labels = np.concatenate([labels for _, labels, _ in splits])
    share = [np.mean(labels >> digit & 1) for digit in range(10)]
    assert np.abs(np.array(share) - 0.5).max() < 4.5 * 0.5 / 500**0.5
    assert len(set(labels)) > 350  # 396 of 1,024 are expected
    every = {clip.tobytes() for _, _, clips in splits for clip in clips}
    assert len(every) == sum(SIZES.values())


def test_features_are_the_cnns_units_for_the_frames_of_the_previews(
    complete, previews
):
    ids, labels, features = read_split(complete, "test")
    assert previews["ids"].tolist() == ids[:16]
    assert previews["labels"].tolist() == labels[:16].tolist()
    assert previews["rgb"].shape == (16, 25, 28, 28)
    assert previews["rgb"].dtype == np.uint8
    cnn = load_cnn(complete)
    units = keras.Model(cnn.inputs[0], cnn.get_layer("features").output)
    frames = previews["rgb"].reshape(-1, 28, 28, 1).astype("float32") / 255
    expected = units(frames).numpy().reshape(-1, 25, 50)
    np.testing.assert_allclose(features[:16], expected, rtol=1e-4, atol=1e-5)


def test_test_clips_flash_test_digits_of_their_label_and_no_others(
    previews, digits
):
    images, labels = digits["test"].images, digits["test"].labels
    for label, frames in zip(previews["labels"], previews["rgb"], strict=True):
        shown = labels[images_under(frames, images)]
        assert set(shown) == {d for d in range(10) if label >> d & 1}
        assert len(images_under(frames, digits["train"].images)) == 0


def share_named(cnn, digits):
    """The share of frames with a test digit that are named rightly."""
    maker = FlashMnist(digits["test"], digits["train"])
    frames = maker.frames(1, 45, np.random.default_rng(0))
    images = frames.images[..., None].astype("float32") / 255
    return np.mean(np.argmax(cnn(images), axis=1) == frames.labels)


def test_cnns_learn_digits_and_a_falling_rate_makes_another(
    complete, balanced, digits
):
    cnn, falling = map(load_cnn, (complete, balanced))
    assert share_named(cnn, digits) > 0.2  # by chance 0.1
    moved = [
        np.abs(x - y).mean()
        for x, y in zip(falling.get_weights(), cnn.get_weights(), strict=True)
    ]
    assert min(moved) > 1e-4
    assert share_named(falling, digits) > 0.15  # by chance 0.1


def test_log_softmax_in_float16_is_that_of_the_relu_units(complete, tmp_path):
    run_small(tmp_path, features="log_softmax", dtype="float16")
    _, expected, units = read_split(complete, "train")
    _, labels, features = read_split(tmp_path, "train", "float16")
    np.testing.assert_array_equal(labels, expected)
    units = units.astype("float64")
    expected = units - np.log(np.exp(units).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(features, expected, rtol=2e-3, atol=1e-3)
    description = Manifest.load(tmp_path).description
    assert description.modalities["rgb"].dtype == "float16"
    assert description.settings["features"] == "log_softmax"


@pytest.mark.parametrize("with_replacement", [False, True])
def test_the_digits_of_all_test_clips_frames_are_kept(
    with_replacement, complete, tmp_path
):
    folder = complete
    if with_replacement:
        folder = tmp_path
        run_small(folder, with_replacement=True)
    ids, classes, _ = read_split(folder, "test")
    kept = FrameDigits(folder).of_clips(ids, classes)
    assert kept.shape == (100, 25, 10)
    times = kept.sum(axis=1)  # of clip and digit
    assert set(times.ravel()) == {0, 1, 2}
    assert (kept.sum(axis=2).max() > 1) == with_replacement


def test_balanced_splits_have_every_class_about_equally_often(balanced):
    for split in ("validation", "test"):
        _, labels, _ = read_split(balanced, split)
        assert len(set(labels)) == SIZES[split]
    _, labels, _ = read_split(balanced, "train")
    assert sorted(labels) == list(range(1024))
    correlation = np.corrcoef(labels, np.arange(1024))[0, 1]
    assert abs(correlation) < 4.5 / 1024**0.5  # in random order


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            (),
            {"num_validation": 400},
            "Expected --num_train above --num_validation.*400 and 400",
        ),
        (("records",), {}, r"flags only. Received: \['records'\]"),
        (
            (),
            {"digits": "mnist", "mnist_dir": "no_such_folder"},
            "Expected train-images-idx3-ubyte",
        ),
    ],
)
def test_flags_that_do_not_fit_leave_no_file(
    arguments, options, message, tmp_path
):
    said = run_small(tmp_path, *arguments, runner=refusal, **options)
    assert re.search(message, said, re.DOTALL)
    assert not folder_contents(tmp_path)


def kill_at(text, directory):
    run_small(directory, runner=functools.partial(kill_prepare_at, text))


@pytest.mark.stress
def test_a_killed_run_ends_with_the_bytes_of_an_undisturbed_one(
    complete, tmp_path
):
    """Killed in pretraining, killed half-way and run to its end."""
    kill_at("Pretraining the CNN", tmp_path)
    assert list(folder_contents(tmp_path)) == ["writing.json"]
    kill_at(" 3/11 [", tmp_path)
    with pytest.raises(FileNotFoundError, match="continues when started"):
        Manifest.load(tmp_path)
    left, whole = folder_contents(tmp_path), folder_contents(complete)
    shards = [name for name in left if name.endswith(".tfrecord")]
    assert 3 <= len(shards) < sum(NUM_SHARDS.values())
    assert all(left[name] == whole[name] for name in shards)
    run_small(tmp_path)
    assert not differing_files(complete, tmp_path)
    assert len(whole) == 15


@pytest.mark.stress
def test_the_number_of_cores_changes_no_byte(complete, tmp_path):
    run_small(tmp_path, cores={min(os.sched_getaffinity(0))})
    assert not differing_files(complete, tmp_path)


@pytest.mark.stress
def test_the_same_command_again_sweeps_what_kills_left_and_no_more(
    complete, tmp_path
):
    directory = shutil.copytree(complete, tmp_path / "again")
    # The weights, half written, and a plan whose manifest is there already.
    for name in (
        ".frame_cnn.weights.h5.4711.partial.weights.h5",
        "writing.json",
    ):
        (directory / name).write_text("{}")
    assert run_small(directory) == f"{directory} is complete already.\n"
    assert not differing_files(complete, directory)


@pytest.mark.stress
def test_the_same_command_adds_the_frames_digits_to_an_older_folder(
    complete, tmp_path
):
    directory = shutil.copytree(complete, tmp_path / "older")
    digits = directory / "frame_digits.npz"
    digits.unlink()
    said = run_small(directory)
    assert said.splitlines()[1:] == [f"{digits} was added."]
    assert not differing_files(complete, directory)
