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

pytestmark = [pytest.mark.programs, pytest.mark.versions]
end_to_end = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def result(finished_run):
    return read_json(finished_run, "result.json")


@pytest.fixture(scope="module")
def epochs(finished_run):
    return read_epochs(finished_run)


def predict(run, data_dir, split):
    """Returns probabilities by NumPy from model.keras, and labels."""
    clips = numpy_classifier.read_clips(data_dir, split)
    path = run.output_dir / "model.keras"
    return numpy_classifier.predict(path, clips), clips.labels


@end_to_end
def test_it_learns_and_prints_the_result(result, finished_run):
    assert result["test_accuracy"] > 0.8  # chance is 1 / 6
    assert json.dumps(result, indent=1) in finished_run.stdout
    assert f"Everything is in {finished_run.output_dir}" in finished_run.stdout


@end_to_end
def test_the_folder_holds_every_file_whole(finished_run):
    folder = finished_run.output_dir
    assert {path.name for path in folder.iterdir()} >= {
        "flags.json",
        "epochs.csv",
        "tensorboard",
        "model.keras",
        "saved_model",
        "result.json",
        "accuracy.png",
        "attention.png",
    }
    assert not [x for x in folder.rglob("*") if "partial" in x.name]
    for split in ("train", "validation"):
        assert list((folder / "tensorboard" / split).glob("events.out.tf*"))
    for name in ("accuracy.png", "attention.png"):
        pixels = image.imread(folder / name)
        assert min(pixels.shape[:2]) > 200 and np.std(pixels) > 0.05
    # Version 1 beside the files that start a server.
    assert (folder / "saved_model" / "1" / "saved_model.pb").is_file()
    assert {x.name for x in (folder / "saved_model").iterdir()} == {
        "1",
        "batching.config",
        "docker-compose.yml",
        "kubernetes.yaml",
        "models.config",
    }


@end_to_end
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


@pytest.mark.parametrize(
    "name",
    [pytest.param("finished_run", marks=end_to_end), "two_device_run"],
)
def test_the_test_metrics_are_numpys(name, data_dir, request):
    """On two devices the last batch of the test split has a single clip."""
    run = request.getfixturevalue(name)
    result = read_json(run, "result.json")
    probabilities, labels = predict(run, data_dir, "test")
    expected = numpy_classifier.accuracy(probabilities, labels)
    assert result["test_accuracy"] == pytest.approx(expected, abs=1e-6)
    expected = numpy_classifier.loss(probabilities, labels)
    assert result["test_loss"] == pytest.approx(expected, rel=1e-4)
    worst = probabilities.argmin(axis=1)  # of six classes
    expected = np.mean(worst != labels)
    assert result["test_top_5_accuracy"] == pytest.approx(expected, abs=1e-6)
    served = result["test_accuracy_of_saved_model"]
    assert served == pytest.approx(result["test_accuracy"], abs=1e-6)


def test_every_epoch_on_two_devices_has_the_metrics_of_one(
    one_device_run, two_device_run
):
    """The last batch of validation is not full."""
    assert read_json(two_device_run, "flags.json")["logical_devices"] == 2
    one, two = map(read_epochs, (one_device_run, two_device_run))
    assert one[-1]["loss"] < 0.5 * one[0]["loss"]
    for first, second in zip(one, two, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert second[name] == pytest.approx(first[name], rel=1e-4)


@end_to_end
def test_the_best_epochs_weights_are_saved_and_not_the_last(
    result, epochs, finished_run, data_dir
):
    # The first of equals.
    best, last = (
        max(epochs, key=operator.itemgetter("val_accuracy")),
        epochs[-1],
    )
    assert result["best_epoch"] == best["epoch"] + 1
    assert result["validation_accuracy"] == best["val_accuracy"]
    assert best["epoch"] < last["epoch"]
    predicted = predict(finished_run, data_dir, "validation")
    measured = numpy_classifier.loss(*predicted)
    assert measured == pytest.approx(best["val_loss"], rel=1e-4)
    assert measured != pytest.approx(last["val_loss"], rel=1e-2)


@end_to_end
def test_the_result_and_the_log_count_epochs_and_parameters(result, epochs):
    units = 3 * (6 + 4 + 3) + 3 * 3 * 2  # kernels, alphas and betas
    features = 3 * (6 + 4 + 3)
    logits = (features + 1) * len(CLASS_NAMES)
    assert result["parameters"] == units + logits
    assert result["training_seconds"] > 0
    assert [row["epoch"] for row in epochs] == list(range(6))
    assert epochs[-1]["loss"] < 0.5 * epochs[0]["loss"]
    assert result["epochs"] == 6
