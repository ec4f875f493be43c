"""train.py: a whole run on a tiny dataset that can be learnt."""

import json

import numpy as np
import pytest
from matplotlib import image

from support.runs import numpy_classifier
from support.runs.run_folder import best_epoch
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_json
from support.runs.tiny_dataset import CLASS_NAMES
from support.runs.training_runs import SETTINGS
from support.runs.training_runs import shipped_settings

pytestmark = [
    pytest.mark.programs,
    pytest.mark.end_to_end,
    pytest.mark.versions,
]


@pytest.fixture(scope="module")
def result(finished_run):
    return read_json(finished_run, "result.json")


@pytest.fixture(scope="module")
def epochs(finished_run):
    return read_epochs(finished_run)


@pytest.fixture(scope="module")
def predicted(finished_run, data_dir):
    """Of each split: probabilities by NumPy from model.keras, and labels."""
    path = finished_run.output_dir / "model.keras"
    pairs = {}
    for split in ("validation", "test"):
        clips = numpy_classifier.read_clips(data_dir, split)
        pairs[split] = numpy_classifier.predict(path, clips), clips.labels
    return pairs


def test_it_learns(result):
    assert result["test_accuracy"] > 0.8  # chance is 1 / 6


def test_everything_is_in_the_folder(finished_run):
    names = {path.name for path in finished_run.output_dir.iterdir()}
    assert names >= {
        "flags.json",
        "epochs.csv",
        "tensorboard",
        "model.keras",
        "saved_model",
        "result.json",
        "accuracy.png",
        "attention.png",
    }


def test_no_part_of_a_file_is_left(finished_run):
    paths = finished_run.output_dir.rglob("*")
    assert not [path for path in paths if "partial" in path.name]


def test_the_first_saved_model_is_version_one(finished_run):
    folder = finished_run.output_dir / "saved_model"
    assert [x.name for x in folder.iterdir() if x.is_dir()] == ["1"]
    assert (folder / "1" / "saved_model.pb").is_file()


def test_what_starts_a_server_lies_beside_it(finished_run):
    folder = finished_run.output_dir / "saved_model"
    assert {x.name for x in folder.iterdir() if x.is_file()} == {
        "batching.config",
        "docker-compose.yml",
        "kubernetes.yaml",
        "models.config",
    }


def test_tensorboard_has_a_log_of_both_splits(finished_run):
    folder = finished_run.output_dir / "tensorboard"
    for split in ("train", "validation"):
        assert list((folder / split).glob("events.out.tfevents.*"))


@pytest.mark.parametrize("name", ["accuracy.png", "attention.png"])
def test_the_pictures_show_something(name, finished_run):
    picture = image.imread(finished_run.output_dir / name)
    assert min(picture.shape[:2]) > 200 and np.std(picture) > 0.05


def test_a_shipped_flagfile_is_found_from_any_folder(finished_run):
    values = read_json(finished_run, "flags.json")
    kept = set(shipped_settings()) - set(SETTINGS)
    kept -= {"data_dir", "output_dir"}
    assert {"weighting", "shift", "in_memory"} <= kept
    for name in kept:
        # 25 and 25.0 are the same number.
        text = str(values[name]).lower().removesuffix(".0")
        assert text == shipped_settings()[name]


def test_the_flags_that_were_given_are_kept(finished_run, data_dir):
    values = read_json(finished_run, "flags.json")
    given = {**SETTINGS, "num_units": ["3"], "data_dir": [str(data_dir)]}
    assert {name: values[name] for name in given} == given


def test_every_epoch_is_logged(epochs):
    assert [row["epoch"] for row in epochs] == list(range(SETTINGS["epochs"]))
    assert epochs[-1]["loss"] < 0.5 * epochs[0]["loss"]


def test_the_test_accuracy_is_numpys(result, predicted):
    expected = numpy_classifier.accuracy(*predicted["test"])
    assert result["test_accuracy"] == pytest.approx(expected, abs=1e-6)


def test_the_test_loss_is_numpys(result, predicted):
    expected = numpy_classifier.loss(*predicted["test"])
    assert result["test_loss"] == pytest.approx(expected, rel=1e-4)


def test_the_top_5_accuracy_is_numpys(result, predicted):
    probabilities, labels = predicted["test"]
    worst = probabilities.argmin(axis=1)  # of six classes
    expected = np.mean(worst != labels)
    assert result["test_top_5_accuracy"] == pytest.approx(expected, abs=1e-6)


def test_the_saved_model_has_the_same_accuracy(result):
    served = result["test_accuracy_of_saved_model"]
    assert served == pytest.approx(result["test_accuracy"], abs=1e-6)


def test_the_best_epoch_has_the_highest_validation_accuracy(result, epochs):
    best = best_epoch(epochs)
    assert result["best_epoch"] == best["epoch"] + 1
    assert result["validation_accuracy"] == best["val_accuracy"]


def test_the_best_epochs_weights_are_saved_and_not_the_last(epochs, predicted):
    best, last = best_epoch(epochs), epochs[-1]
    assert best["epoch"] < last["epoch"]
    measured = numpy_classifier.loss(*predicted["validation"])
    assert measured == pytest.approx(best["val_loss"], rel=1e-4)
    assert measured != pytest.approx(last["val_loss"], rel=1e-2)


def test_the_result_counts_epochs_and_parameters(result):
    units = 3 * (6 + 4 + 3) + 3 * 3 * 2  # kernels, alphas and betas
    features = 3 * (6 + 4 + 3)
    logits = (features + 1) * len(CLASS_NAMES)
    assert result["parameters"] == units + logits
    assert result["epochs"] == SETTINGS["epochs"]
    assert result["training_seconds"] > 0


def test_the_result_is_printed(finished_run, result):
    assert json.dumps(result, indent=1) in finished_run.stdout
    assert f"Everything is in {finished_run.output_dir}" in finished_run.stdout
