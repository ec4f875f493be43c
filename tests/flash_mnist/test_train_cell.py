"""Training of one cell in this process, and the files that it writes."""

import dataclasses
import pathlib
import shutil
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import train_cell
from ac_keras.layers import AttentionCluster
from ac_keras.layers import ShiftingCluster
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from cells import FAMILIES
from cells import Cell
from support.flash_mnist import tiny_cells
from support.flash_mnist.tiny_cells import DIM
from support.flash_mnist.tiny_cells import NUM_FRAMES
from support.flash_mnist.tiny_cells import PROTOCOL
from support.runs import numpy_classifier
from train_cell import CellLog
from train_cell import build_model
from train_cell import run_cell

CELL = Cell("fc1_shift", 3, seed=1)  # whose best epoch is a tie in the middle
NUM_CLASSES = len(tiny_cells.CLASS_NAMES)
STEPS = tiny_cells.SIZES["train"] // PROTOCOL.batch_size
UNITS = 3
DENSE = UNITS * DIM * NUM_CLASSES + NUM_CLASSES
WEIGHTS = {  # Numbers of weights, counted by hand for 3 units.
    "average": DENSE,
    "fc1": DIM * 3 + DENSE,
    "fc2": (DIM * 10 + 10 + 10) * 3 + DENSE,
    "fc1_shift": DIM * 3 + 2 * 3 + DENSE,
    "fc2_shift": (DIM * 10 + 10 + 10) * 3 + 2 * 3 + DENSE,
}
ROWS = [
    {"epoch": 0, "loss": 1.5, "val_accuracy": 0.25},
    {"epoch": 1, "loss": 0.1 + 0.2, "val_accuracy": 1 / 3},
]


@pytest.fixture(scope="module")
def trained(manifest, tmp_path_factory):
    """A complete cell, and the splits that it evaluated, in order."""
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
    contents = {path: path.read_bytes() for path in paths}
    for path, text in contents.items():
        path.write_bytes(bytes(len(text)))
    folder = CELL.folder(root)
    with pytest.raises(tf.errors.DataLossError):
        run_cell(CELL, PROTOCOL, copy.directory, root)
    left = set(tiny_cells.contents(folder))
    curve = tiny_cells.read_json(folder, "curve.json")
    for path, text in contents.items():
        path.write_bytes(text)
    run_cell(CELL, PROTOCOL, copy.directory, root)
    return types.SimpleNamespace(folder=folder, left=left, curve=curve)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_its_metrics_are_those_of_the_saved_model_on_the_records(
    split, trained, manifest
):
    clips = numpy_classifier.read_clips(manifest.directory, split)
    assert len(clips.labels) == tiny_cells.SIZES[split]
    shares = numpy_classifier.predict(trained.folder / "model.keras", clips)
    accuracy = numpy_classifier.accuracy(shares, clips.labels)
    assert 1 / NUM_CLASSES < accuracy < 1
    assert trained.result[f"{split}_accuracy"] == pytest.approx(accuracy)
    loss = numpy_classifier.loss(shares, clips.labels)
    assert trained.result[f"{split}_loss"] == pytest.approx(loss, rel=1e-4)


def test_the_best_epoch_is_the_best_on_validation_of_the_lowest_loss(trained):
    accuracies = [row["val_accuracy"] for row in trained.curve]
    best = trained.result["best_epoch"] - 1
    equal = [x for x in trained.curve if x["val_accuracy"] == max(accuracies)]
    assert best == min(equal, key=lambda row: row["val_loss"])["epoch"]
    # Or this would show nothing.
    assert 0 < best < PROTOCOL.epochs - 1
    assert accuracies[0] < max(accuracies) > accuracies[-1]
    assert trained.result["validation_accuracy"] == accuracies[best]
    assert trained.result["validation_loss"] == trained.curve[best]["val_loss"]


def test_the_curve_has_every_epoch_falls_and_follows_the_schedule(trained):
    epochs = [row["epoch"] for row in trained.curve]
    assert epochs == list(range(PROTOCOL.epochs))
    assert trained.curve[-1]["loss"] < trained.curve[0]["loss"] / 1.2
    assert trained.curve[-1]["accuracy"] > 1.5 / NUM_CLASSES
    assert {"seconds", "val_loss"} <= set(trained.curve[0])
    steps = STEPS * np.arange(1, PROTOCOL.epochs + 1)  # at the epochs' ends
    cosine = (1 + np.cos(np.pi * steps / steps[-1])) / 2
    warmup = np.minimum((steps + 1) / (STEPS * PROTOCOL.warmup_epochs), 1)
    assert warmup[0] < 1
    rates = [row["learning_rate"] for row in trained.curve]
    assert rates == pytest.approx(0.2 * cosine * warmup, abs=1e-6)


def test_the_test_split_is_made_and_read_only_after_training(trained, blinded):
    assert trained.asked == [("validation", 0), ("test", PROTOCOL.epochs)]
    assert len(blinded.curve) == PROTOCOL.epochs
    assert not blinded.left & {"result.json", "model.keras"}


def test_a_cell_that_could_not_be_tested_is_tested_without_training_again(
    blinded, trained
):
    folder = blinded.folder
    assert tiny_cells.read_json(folder, "curve.json") == blinded.curve
    assert tiny_cells.weights(folder) == tiny_cells.weights(trained.folder)
    result = tiny_cells.read_json(folder, "result.json")
    for name in ("test_accuracy", "test_loss", "validation_loss"):
        assert result[name] == trained.result[name] > 0


def test_its_result_has_the_cell_and_its_settings(trained):
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
    settings = tiny_cells.read_json(trained.folder, "flags.json")
    assert settings == dataclasses.asdict(CELL) | dataclasses.asdict(PROTOCOL)
    seconds = sum(row["seconds"] for row in trained.curve)
    assert found["training_seconds"] == round(seconds, 1)


def test_a_finished_cell_is_read_and_nothing_is_built_or_written(
    trained, manifest
):
    def build(*arguments):
        raise AssertionError("It is built again.")

    before = tiny_cells.contents(trained.folder)
    data_dir, root = manifest.directory, trained.root
    assert run_cell(CELL, PROTOCOL, data_dir, root, build) == trained.result
    assert tiny_cells.contents(trained.folder) == before
    assert set(before) == {
        "curve.json",
        "dataset.json",
        "flags.json",
        "model.keras",
        "result.json",
    }


def test_another_protocol_or_dataset_in_the_same_folder_is_refused(
    trained, manifest, tmp_path
):
    before = tiny_cells.contents(trained.folder)
    message = "dropout: 0.2 there, 0.3 now; epochs: 9 there, 7 now."
    changed = dataclasses.replace(PROTOCOL, epochs=7, dropout=0.3)
    with pytest.raises(ValueError, match=message):
        run_cell(CELL, changed, manifest.directory, trained.root)
    other = tiny_cells.write_dataset(tmp_path / "other", seed=1)
    with pytest.raises(ValueError, match="manifest_sha256: .* there, .* now"):
        run_cell(CELL, PROTOCOL, other.directory, trained.root)
    assert tiny_cells.contents(trained.folder) == before


@pytest.mark.parametrize(
    "options, batch_size, message",
    [
        (
            {"modalities": ("rgb", "audio")},
            16,
            "one modality, as in Table 1. Received: .*other with rgb, audio",
        ),
        (
            {"multi_label": True},
            16,
            "one label per clip, as in Table 1. "
            "Received: .*other with multi_label=True",
        ),
        ({"splits": ("train", "validation")}, 16, "Received: split='test'"),
        ({"splits": ("train", "test")}, 16, "Received: split='validation'"),
        ({}, 97, "batch_size=97 for 96 clips"),
    ],
)
def test_a_dataset_that_does_not_fit_is_refused_and_leaves_nothing(
    options, batch_size, message, tmp_path
):
    other = tiny_cells.write_dataset(tmp_path / "other", **options)
    protocol = dataclasses.replace(PROTOCOL, batch_size=batch_size)
    with pytest.raises(ValueError, match=message):
        run_cell(CELL, protocol, other.directory, tmp_path / "cells")
    assert not (tmp_path / "cells").exists()


@pytest.fixture(scope="module")
def models(manifest):
    protocol = dataclasses.replace(
        PROTOCOL, alpha_initializer="constant:1.25", beta_initializer="normal:9"
    )
    keras.utils.set_random_seed(0)
    return {
        family: build_model(Cell(family, UNITS), protocol, manifest)
        for family in FAMILIES
    }


def cluster_of(model):
    (cluster,) = model.get_layer("clusters").clusters.values()
    return cluster


@pytest.mark.parametrize("family", FAMILIES)
def test_its_model_is_that_of_the_tables_column(family, models):
    model = models[family]
    cluster = cluster_of(model)
    kind = ShiftingCluster if family.endswith("_shift") else AttentionCluster
    assert type(cluster) is kind
    assert cluster.weighting == family.removesuffix("_shift")
    assert (cluster.num_units, cluster.hidden_units) == (UNITS, 10)
    assert model.count_params() == WEIGHTS[family]
    frames = np.random.default_rng(0).normal(size=(2, NUM_FRAMES, DIM))
    inputs = {"rgb": frames, "rgb_num_frames": np.array([NUM_FRAMES, 2])}
    shares = model.predict_on_batch(inputs)
    assert shares.shape == (2, NUM_CLASSES) and shares.min() > 0
    assert shares.sum(axis=1) == pytest.approx(np.ones(2), rel=1e-5)
    assert not np.allclose(shares[0], shares[1])


def test_the_protocol_gives_dropout_and_the_shifts_initial_values(models):
    model = models["fc1_shift"]
    assert model.get_layer("dropout").rate == PROTOCOL.dropout > 0
    cluster = cluster_of(model)
    assert list(cluster.alpha.numpy()) == [1.25] * UNITS
    assert np.abs(cluster.beta.numpy()).max() > 2  # of standard deviation 9


def test_the_curve_has_every_digit_of_the_epochs_that_the_cell_has(tmp_path):
    log = CellLog(tmp_path, batch_size=16)
    log.epoch([], new=False)
    assert list(tmp_path.iterdir()) == []
    log.begin_epoch(0, 0, 6)
    log.step(1, 1, {"loss": 2.0})
    log.epoch(ROWS[:1])
    log.epoch(ROWS)
    assert tiny_cells.read_json(tmp_path, "curve.json") == ROWS
    assert [x.name for x in tmp_path.iterdir()] == ["curve.json"]
    # Killed between curve and checkpoint, the curve is one ahead.
    log.epoch(ROWS[:1], new=False)
    assert tiny_cells.read_json(tmp_path, "curve.json") == ROWS[:1]
