"""train.py: a whole run on a tiny dataset that can be learnt."""

import json
import operator

import numpy as np
import pytest
from matplotlib import image

from support.runs import numpy_classifier
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_flagfile
from support.runs.run_folder import read_json
from support.runs.tiny_dataset import CLASS_NAMES

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


def test_it_learns_and_prints_the_result(result, finished_run):
    assert result["test_accuracy"] > 0.8  # chance is 1 / 6
    assert json.dumps(result, indent=1) in finished_run.stdout
    assert f"Everything is in {finished_run.output_dir}" in finished_run.stdout


def test_the_folder_holds_every_file_whole(finished_run):
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
    paths = finished_run.output_dir.rglob("*")
    assert not [path for path in paths if "partial" in path.name]
    folder = finished_run.output_dir / "tensorboard"
    for split in ("train", "validation"):
        assert list((folder / split).glob("events.out.tfevents.*"))


def test_the_saved_model_is_version_one_beside_what_starts_a_server(
    finished_run,
):
    folder = finished_run.output_dir / "saved_model"
    assert [x.name for x in folder.iterdir() if x.is_dir()] == ["1"]
    assert (folder / "1" / "saved_model.pb").is_file()
    assert {x.name for x in folder.iterdir() if x.is_file()} == {
        "batching.config",
        "docker-compose.yml",
        "kubernetes.yaml",
        "models.config",
    }


@pytest.mark.parametrize("name", ["accuracy.png", "attention.png"])
def test_the_pictures_show_something(name, finished_run):
    picture = image.imread(finished_run.output_dir / name)
    assert min(picture.shape[:2]) > 200 and np.std(picture) > 0.05


def test_flags_are_kept_those_of_a_shipped_flagfile_included(
    finished_run, data_dir
):
    values = read_json(finished_run, "flags.json")
    shipped = read_flagfile(finished_run.flags["flagfile"])
    kept = set(shipped) - set(finished_run.flags) - {"output_dir"}
    assert {"weighting", "shift", "in_memory"} <= kept
    for name in kept:
        # 25 and 25.0 are the same number.
        text = str(values[name]).lower().removesuffix(".0")
        assert text == shipped[name]
    given = {
        **finished_run.flags,
        "num_units": ["3"],
        "data_dir": [str(data_dir)],
    }
    del given["flagfile"]
    assert {name: values[name] for name in given} == given


def test_the_test_metrics_are_numpys(result, predicted):
    expected = numpy_classifier.accuracy(*predicted["test"])
    assert result["test_accuracy"] == pytest.approx(expected, abs=1e-6)
    expected = numpy_classifier.loss(*predicted["test"])
    assert result["test_loss"] == pytest.approx(expected, rel=1e-4)
    probabilities, labels = predicted["test"]
    worst = probabilities.argmin(axis=1)  # of six classes
    expected = np.mean(worst != labels)
    assert result["test_top_5_accuracy"] == pytest.approx(expected, abs=1e-6)
    served = result["test_accuracy_of_saved_model"]
    assert served == pytest.approx(result["test_accuracy"], abs=1e-6)


def test_the_best_epochs_weights_are_saved_and_not_the_last(
    result, epochs, predicted
):
    best = max(
        epochs, key=operator.itemgetter("val_accuracy")
    )  # the first of equals
    assert result["best_epoch"] == best["epoch"] + 1
    assert result["validation_accuracy"] == best["val_accuracy"]
    best, last = (
        max(epochs, key=operator.itemgetter("val_accuracy")),
        epochs[-1],
    )
    assert best["epoch"] < last["epoch"]
    measured = numpy_classifier.loss(*predicted["validation"])
    assert measured == pytest.approx(best["val_loss"], rel=1e-4)
    assert measured != pytest.approx(last["val_loss"], rel=1e-2)


def test_the_result_counts_epochs_and_parameters(result):
    units = 3 * (6 + 4 + 3) + 3 * 3 * 2  # kernels, alphas and betas
    features = 3 * (6 + 4 + 3)
    logits = (features + 1) * len(CLASS_NAMES)
    assert result["parameters"] == units + logits
    assert result["training_seconds"] > 0


def test_every_epoch_is_logged(result, epochs):
    assert [row["epoch"] for row in epochs] == list(range(6))
    assert epochs[-1]["loss"] < 0.5 * epochs[0]["loss"]
    assert result["epochs"] == 6
