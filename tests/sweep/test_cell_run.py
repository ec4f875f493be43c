"""A cell that is trained in this process, and what it leaves."""

import dataclasses
import pathlib
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

import train_cell
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from cells import Cell
from support.flash_mnist import tiny_cells
from support.flash_mnist.tiny_cells import PROTOCOL
from support.runs import numpy_classifier
from train_cell import run_cell

CELL = Cell("fc1_shift", 3, seed=1)  # whose best epoch is a tie in the middle
NUM_CLASSES = len(tiny_cells.CLASS_NAMES)
STEPS = tiny_cells.SIZES["train"] // PROTOCOL.batch_size


@pytest.fixture(scope="module")
def trained(manifest, tmp_path_factory):
    """A finished cell, and the splits that it evaluated, in their order."""
    root = tmp_path_factory.mktemp("cells") / "tiny"
    folder, asked = CELL.folder(root), []

    def noted(manifest, split, **options):
        asked.append((split, tiny_cells.num_epochs(folder)))
        return evaluation_batches(manifest, split, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_cell, "evaluation_batches", noted)
        result = run_cell(CELL, PROTOCOL, manifest.directory, root)
    return types.SimpleNamespace(
        root=root,
        folder=folder,
        asked=asked,
        result=result,
        curve=tiny_cells.read_json(folder, "curve.json"),
    )


@pytest.fixture(scope="module")
def blinded(manifest, tmp_path_factory):
    """A cell whose test split could not be read until it was trained."""
    root = tmp_path_factory.mktemp("blinded")
    shutil.copytree(manifest.directory, root / "data")
    copy = Manifest.load(root / "data")
    paths = [pathlib.Path(x) for x in copy.paths("test")]
    sound = {path: path.read_bytes() for path in paths}
    for path, text in sound.items():
        path.write_bytes(bytes(len(text)))
    folder = CELL.folder(root)
    with pytest.raises(tf.errors.DataLossError):
        run_cell(CELL, PROTOCOL, copy.directory, root)
    left = set(tiny_cells.contents(folder))
    curve = tiny_cells.read_json(folder, "curve.json")
    for path, text in sound.items():
        path.write_bytes(text)
    run_cell(CELL, PROTOCOL, copy.directory, root)
    return types.SimpleNamespace(folder=folder, left=left, curve=curve)


def in_numpy(trained, manifest, split):
    """Accuracy and loss of the kept model, computed without the package."""
    clips = numpy_classifier.read_clips(manifest.directory, split)
    assert len(clips.labels) == tiny_cells.SIZES[split]
    path = trained.folder / "model.keras"
    shares = numpy_classifier.predict(path, clips)
    return (
        numpy_classifier.accuracy(shares, clips.labels),
        numpy_classifier.loss(shares, clips.labels),
    )


@pytest.mark.parametrize("split", ["validation", "test"])
def test_its_figures_are_those_of_the_kept_model_on_the_records(
    split, trained, manifest
):
    accuracy, loss = in_numpy(trained, manifest, split)
    assert 1 / NUM_CLASSES < accuracy < 1
    assert trained.result[f"{split}_accuracy"] == pytest.approx(accuracy)
    assert trained.result[f"{split}_loss"] == pytest.approx(loss, rel=1e-4)


def test_the_best_epoch_is_the_first_of_the_best_on_validation(trained):
    accuracies = [row["val_accuracy"] for row in trained.curve]
    best = trained.result["best_epoch"] - 1
    assert best == accuracies.index(max(accuracies))
    # Or this would show nothing.
    assert 0 < best < PROTOCOL.epochs - 1
    assert accuracies[0] < max(accuracies) > accuracies[-1]
    assert trained.result["validation_accuracy"] == accuracies[best]
    assert trained.result["validation_loss"] == trained.curve[best]["val_loss"]


def test_the_curve_is_of_every_epoch_and_falls(trained):
    assert [row["epoch"] for row in trained.curve] == list(
        range(PROTOCOL.epochs)
    )
    assert trained.curve[-1]["loss"] < trained.curve[0]["loss"] / 1.2
    assert trained.curve[-1]["accuracy"] > 1.5 / NUM_CLASSES
    assert {"seconds", "learning_rate", "val_loss"} <= set(trained.curve[0])


def test_its_rate_rises_and_falls_as_the_protocol_says(trained):
    steps = STEPS * np.arange(1, PROTOCOL.epochs + 1)  # at the epochs' ends
    cosine = (1 + np.cos(np.pi * steps / steps[-1])) / 2
    warmup = np.minimum((steps + 1) / (STEPS * PROTOCOL.warmup_epochs), 1)
    assert warmup[0] < 1
    rates = [row["learning_rate"] for row in trained.curve]
    assert rates == pytest.approx(0.2 * cosine * warmup, abs=1e-6)


def test_the_validation_split_is_made_once_and_the_test_split_at_the_end(
    trained,
):
    assert trained.asked == [("validation", 0), ("test", PROTOCOL.epochs)]


def test_nothing_of_the_test_split_is_read_before_training_is_done(blinded):
    assert len(blinded.curve) == PROTOCOL.epochs
    assert "result.json" not in blinded.left
    assert "model.keras" not in blinded.left


def test_a_cell_that_could_not_be_tested_is_tested_without_training_again(
    blinded, trained
):
    assert tiny_cells.read_json(blinded.folder, "curve.json") == blinded.curve
    assert tiny_cells.weights(blinded.folder) == tiny_cells.weights(
        trained.folder
    )
    result = tiny_cells.read_json(blinded.folder, "result.json")
    for name in ("test_accuracy", "test_loss", "validation_loss"):
        assert result[name] == trained.result[name] > 0


def test_its_result_tells_what_was_trained_and_how(trained):
    expected = {
        **dataclasses.asdict(CELL),
        "protocol": "tiny",
        "settings": dataclasses.asdict(PROTOCOL),
        "epochs": PROTOCOL.epochs,
        "parameters": 5 * 3 + 2 * 3 + 5 * 3 * 6 + 6,
        "product_flops_per_epoch": STEPS * 16 * CELL.product_flops(5, 7, 6),
    }
    found = tiny_cells.read_json(trained.folder, "result.json")
    assert {name: found[name] for name in expected} == expected
    assert found == trained.result


def test_its_time_is_the_sum_over_the_epochs(trained):
    seconds = sum(row["seconds"] for row in trained.curve)
    assert trained.result["training_seconds"] == round(seconds, 1)


def test_only_what_a_finished_cell_needs_is_left(trained):
    assert set(tiny_cells.contents(trained.folder)) == {
        "curve.json",
        "dataset.json",
        "flags.json",
        "model.keras",
        "result.json",
    }


def test_a_finished_cell_is_read_and_nothing_is_built_or_written(
    trained, manifest
):
    def build(*arguments):
        raise AssertionError("It is built again.")

    before = tiny_cells.contents(trained.folder)
    data_dir, root = manifest.directory, trained.root
    assert run_cell(CELL, PROTOCOL, data_dir, root, build) == trained.result
    assert tiny_cells.contents(trained.folder) == before


def test_another_protocol_in_the_same_folder_is_refused(trained, manifest):
    other = dataclasses.replace(PROTOCOL, epochs=7, dropout=0.3)
    before = tiny_cells.contents(trained.folder)
    with pytest.raises(ValueError) as error:
        run_cell(CELL, other, manifest.directory, trained.root)
    assert "dropout: 0.2 there, 0.3 now; epochs: 9 there, 7 now." in str(
        error.value
    )
    assert tiny_cells.contents(trained.folder) == before


def test_another_dataset_in_the_same_folder_is_refused(trained, tmp_path):
    other = tiny_cells.write_dataset(tmp_path / "other", seed=1)
    with pytest.raises(ValueError, match="manifest_sha256: .* there, .* now"):
        run_cell(CELL, PROTOCOL, other.directory, trained.root)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"modalities": ("rgb", "audio")}, "one modality, as Table 1 has"),
        ({"multi_label": True}, "one label a clip, as Table 1 has"),
        ({"splits": ("train", "validation")}, "Received: split='test'"),
        ({"splits": ("train", "test")}, "Received: split='validation'"),
    ],
)
def test_a_dataset_that_does_not_fit_is_refused_and_leaves_nothing(
    options, message, tmp_path
):
    other = tiny_cells.write_dataset(tmp_path / "other", **options)
    with pytest.raises(ValueError, match=message):
        run_cell(CELL, PROTOCOL, other.directory, tmp_path / "cells")
    assert not (tmp_path / "cells").exists()


def test_a_batch_of_more_clips_than_there_are_is_refused_too(
    manifest, tmp_path
):
    protocol = dataclasses.replace(PROTOCOL, batch_size=97)
    with pytest.raises(ValueError, match="batch_size=97 for 96 clips"):
        run_cell(CELL, protocol, manifest.directory, tmp_path / "cells")
    assert not (tmp_path / "cells").exists()


def test_another_builder_makes_the_model(manifest, tmp_path):
    """At one epoch, as `trainers/flash_mnist/position_bias.py` does with its own."""
    protocol = dataclasses.replace(PROTOCOL, epochs=1)

    def build(cell, protocol, manifest):
        wider = dataclasses.replace(cell, num_units=cell.num_units + 1)
        return train_cell.build_model(wider, protocol, manifest)

    result = run_cell(CELL, protocol, manifest.directory, tmp_path, build)
    assert result["parameters"] == 5 * 4 + 2 * 4 + 5 * 4 * 6 + 6
