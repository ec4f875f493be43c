"""data/flash_mnist/prepare.py, run as a program on the embedded digits."""

import re

import keras
import numpy as np
import pytest

from ac_keras.datasets import FlashMnist
from ac_keras.datasets import FrameDigits
from ac_keras.datasets import load_digits
from ac_keras.models import frame_cnn
from ac_keras.pipeline import Manifest
from support.datasets.flash_mnist_runs import NUM_SHARDS
from support.datasets.flash_mnist_runs import PROGRAM
from support.datasets.flash_mnist_runs import SIZES
from support.datasets.flash_mnist_runs import complete_run
from support.datasets.flash_mnist_runs import make_run
from support.datasets.prepared_folder import folder_contents
from support.datasets.prepared_folder import images_under
from support.datasets.prepared_folder import read_split

pytestmark = pytest.mark.programs

each_split = pytest.mark.parametrize("split", SIZES)
each_placing = pytest.mark.parametrize("with_replacement", [False, True])


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return complete_run(tmp_path_factory)


@pytest.fixture(scope="module")
def other_features(tmp_path_factory):
    directory = tmp_path_factory.mktemp("other_features")
    return make_run(directory, features="log_softmax", dtype="float16")


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    """A run with as many training clips as there are classes.

    Its CNN was pretrained at a falling rate, on the frames of the others.
    """
    directory = tmp_path_factory.mktemp("balanced")
    return make_run(
        directory, balanced=True, num_train=1024 + 60, cnn_schedule="cosine"
    )


@pytest.fixture(scope="module")
def replaced(tmp_path_factory):
    """A run whose images may fall on one frame."""
    directory = tmp_path_factory.mktemp("replaced")
    return make_run(directory, with_replacement=True)


def load_cnn(run):
    model = frame_cnn()
    model.load_weights(run.directory / "frame_cnn.weights.h5")
    return model


@pytest.fixture(scope="module")
def cnn(complete):
    """The CNN of the complete run."""
    return load_cnn(complete)


@pytest.fixture(scope="module")
def previews(complete):
    return np.load(complete.directory / "previews.npz")


@pytest.fixture(scope="module")
def digits():
    return load_digits("uci")


def test_it_says_where_the_dataset_is_and_how_large(complete):
    lines = complete.said.splitlines()
    assert lines[-4:] == [
        "train: 340 clips, 7 files",
        "validation: 60 clips, 2 files",
        "test: 100 clips, 2 files",
        f"Flash-MNIST is in {complete.directory}",
    ]


def test_the_folder_holds_the_documented_files(complete):
    shards = [
        f"{split}-{index:05d}-of-{count:05d}.tfrecord"
        for split, count in NUM_SHARDS.items()
        for index in range(count)
    ]
    others = [
        "frame_cnn.weights.h5",
        "frame_digits.npz",
        "manifest.json",
        "previews.npz",
    ]
    assert sorted(folder_contents(complete.directory)) == sorted(
        shards + others
    )


def test_the_manifest_tells_what_was_made(complete):
    description = Manifest.load(complete.directory).description
    assert description.name == "flash_mnist"
    assert description.num_classes == 1024
    assert description.seed == 0
    assert not description.multi_label
    assert description.settings["features"] == "relu"
    assert description.settings["num_empty"] == 100


@each_split
def test_a_split_has_the_clips_asked_for_in_files_of_50(complete, split):
    manifest = Manifest.load(complete.directory)
    sizes = [shard.num_clips for shard in manifest.split(split).shards]
    assert sum(sizes) == SIZES[split]
    assert 40 < min(sizes) <= max(sizes) <= 50 or split == "validation"
    assert len(sizes) == NUM_SHARDS[split]


@each_split
def test_clips_are_numbered_in_their_order(complete, split):
    ids, _, _ = read_split(complete.directory, split)
    assert ids == [f"{split}-{i:07d}" for i in range(SIZES[split])]


@each_split
def test_the_manifest_counts_the_classes(complete, split):
    _, labels, _ = read_split(complete.directory, split)
    expected = np.bincount(labels, minlength=1024)
    counts = Manifest.load(complete.directory).split(split).class_counts
    np.testing.assert_array_equal(counts, expected)


@each_split
def test_a_clip_is_25_frames_of_50_relu_units(complete, split):
    _, _, features = read_split(complete.directory, split)
    assert features.shape == (SIZES[split], 25, 50)
    assert features.min() == 0
    assert features.max() > 0.5
    assert 0.1 < np.mean(features > 0) < 0.95


def test_every_digit_is_in_about_half_of_the_labels(complete):
    labels = np.concatenate(
        [read_split(complete.directory, split)[1] for split in SIZES]
    )
    share = [np.mean(labels >> digit & 1) for digit in range(10)]
    assert np.abs(np.array(share) - 0.5).max() < 4.5 * 0.5 / 500**0.5
    assert len(set(labels)) > 350  # 396 of 1,024 are expected


def test_splits_have_clips_of_their_own(complete):
    clips = [read_split(complete.directory, split)[2] for split in SIZES]
    every = {clip.tobytes() for split in clips for clip in split}
    assert len(every) == sum(SIZES.values())


def test_features_are_the_cnns_units_for_the_frames(complete, previews, cnn):
    units = keras.Model(cnn.inputs[0], cnn.get_layer("features").output)
    frames = previews["rgb"].reshape(-1, 28, 28, 1).astype("float32") / 255
    expected = units(frames).numpy().reshape(-1, 25, 50)
    _, _, features = read_split(complete.directory, "test")
    np.testing.assert_allclose(features[:16], expected, rtol=1e-4, atol=1e-5)


def test_previews_are_the_first_test_clips(complete, previews):
    ids, labels, _ = read_split(complete.directory, "test")
    assert previews["ids"].tolist() == ids[:16]
    assert previews["labels"].tolist() == labels[:16].tolist()
    assert previews["rgb"].shape == (16, 25, 28, 28)
    assert previews["rgb"].dtype == np.uint8


def test_test_clips_flash_the_test_digits_of_their_label(previews, digits):
    images, labels = digits["test"].images, digits["test"].labels
    for label, frames in zip(previews["labels"], previews["rgb"], strict=True):
        shown = labels[images_under(frames, images)]
        assert set(shown) == {d for d in range(10) if label >> d & 1}


def test_test_clips_flash_no_training_digit(previews, digits):
    for frames in previews["rgb"]:
        assert len(images_under(frames, digits["train"].images)) == 0


def share_named(cnn, digits):
    """The share of frames with a test digit that are named rightly."""
    maker = FlashMnist(digits["test"], digits["train"])
    frames = maker.frames(1, 45, np.random.default_rng(0))
    images = frames.images[..., None].astype("float32") / 255
    return np.mean(np.argmax(cnn(images), axis=1) == frames.labels)


def test_the_cnn_has_learned_digits(cnn, digits):
    assert share_named(cnn, digits) > 0.2  # by chance 0.1


def test_a_falling_rate_makes_another_cnn_that_has_learned_too(
    cnn, balanced, digits
):
    falling = load_cnn(balanced)
    moved = [
        np.abs(x - y).mean()
        for x, y in zip(falling.get_weights(), cnn.get_weights(), strict=True)
    ]
    assert min(moved) > 1e-4
    assert share_named(falling, digits) > 0.15  # by chance 0.1


def test_the_manifest_tells_of_a_falling_rate(complete, balanced):
    settings = [
        Manifest.load(run.directory).description.settings
        for run in (complete, balanced)
    ]
    # A dataset made before there was a choice is still the same.
    assert "cnn_schedule" not in settings[0]
    assert settings[1]["cnn_schedule"] == "cosine"


def test_log_softmax_is_that_of_the_relu_units(complete, other_features):
    _, _, units = read_split(complete.directory, "train")
    _, _, features = read_split(other_features.directory, "train", "float16")
    units = units.astype("float64")
    expected = units - np.log(np.exp(units).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(features, expected, rtol=2e-3, atol=1e-3)


def test_float16_is_what_the_manifest_tells(other_features):
    description = Manifest.load(other_features.directory).description
    assert description.modalities["rgb"].dtype == "float16"
    assert description.settings["features"] == "log_softmax"


def test_other_features_have_the_same_labels(complete, other_features):
    _, expected, _ = read_split(complete.directory, "train")
    _, labels, _ = read_split(other_features.directory, "train", "float16")
    np.testing.assert_array_equal(labels, expected)


def test_balanced_has_every_class_equally_often(balanced):
    _, labels, _ = read_split(balanced.directory, "train")
    assert sorted(labels) == list(range(1024))


def test_balanced_has_the_classes_in_random_order(balanced):
    _, labels, _ = read_split(balanced.directory, "train")
    correlation = np.corrcoef(labels, np.arange(1024))[0, 1]
    assert abs(correlation) < 4.5 / 1024**0.5


@pytest.mark.parametrize("split", ["validation", "test"])
def test_balanced_has_a_class_once_more_than_another_at_most(balanced, split):
    _, labels, _ = read_split(balanced.directory, split)
    assert len(set(labels)) == SIZES[split]


def test_the_digits_of_every_frame_are_those_that_lie_on_it(complete):
    digits = load_digits("uci")["test"]
    previews = np.load(complete.directory / "previews.npz")
    kept = FrameDigits(complete.directory).of_clips(
        previews["ids"].tolist(), previews["labels"]
    )
    # Of so many pixels no other image fits under a frame by chance.
    for frames, held in zip(previews["rgb"], kept, strict=True):
        for frame, row in zip(frames, held, strict=True):
            shown = set(digits.labels[images_under(frame[None], digits.images)])
            assert shown == set(np.flatnonzero(row))


@each_placing
def test_the_digits_of_all_test_clips_frames_are_kept(
    with_replacement, complete, replaced
):
    folder = (replaced if with_replacement else complete).directory
    ids, classes, _ = read_split(folder, "test")
    kept = FrameDigits(folder).of_clips(ids, classes)
    assert kept.shape == (100, 25, 10)
    times = kept.sum(axis=1)  # of clip and digit
    assert set(times.ravel()) == {0, 1, 2}
    assert (kept.sum(axis=2).max() > 1) == with_replacement


def test_a_validation_split_of_all_clips_is_refused(tmp_path):
    result = PROGRAM.run(tmp_path, num_validation=400)
    assert result.returncode != 0
    message = "Expected --num_train above --num_validation.*400 and 400"
    assert re.search(message, result.stderr, re.DOTALL)
    assert not folder_contents(tmp_path)


def test_an_argument_that_is_no_flag_is_refused(tmp_path):
    result = PROGRAM.run(tmp_path, "records")
    assert result.returncode != 0
    assert "flags only. Received: ['records']" in result.stderr
    assert not folder_contents(tmp_path)


def test_a_folder_without_mnists_files_is_refused(tmp_path):
    options = {"digits": "mnist", "mnist_dir": tmp_path / "mnist"}
    result = PROGRAM.run(tmp_path / "records", **options)
    assert result.returncode != 0
    assert "Expected train-images-idx3-ubyte" in result.stderr
    assert not folder_contents(tmp_path)
