"""Training and evaluation split over two logical devices."""

import pytest

from support.runs import numpy_classifier
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_json

pytestmark = [pytest.mark.programs, pytest.mark.versions]


def test_every_epoch_has_the_metrics_of_one_device(
    one_device_run, two_device_run
):
    """The last batch of validation is not full."""
    assert read_json(two_device_run, "flags.json")["logical_devices"] == 2
    one, two = map(read_epochs, (one_device_run, two_device_run))
    assert one[-1]["loss"] < 0.5 * one[0]["loss"]
    for first, second in zip(one, two, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert second[name] == pytest.approx(first[name], rel=1e-4)


def test_a_run_on_two_devices_measures_what_numpy_does(
    two_device_run, data_dir
):
    """The last batch of the test split has a single clip."""
    clips = numpy_classifier.read_clips(data_dir, "test")
    path = two_device_run.output_dir / "model.keras"
    predicted = numpy_classifier.predict(path, clips), clips.labels
    result = read_json(two_device_run, "result.json")
    accuracy = numpy_classifier.accuracy(*predicted)
    assert result["test_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    loss = numpy_classifier.loss(*predicted)
    assert result["test_loss"] == pytest.approx(loss, rel=1e-4)
    served = result["test_accuracy_of_saved_model"]
    assert served == pytest.approx(result["test_accuracy"], abs=1e-6)
