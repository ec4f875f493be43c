"""Training and evaluation split over two logical devices."""

import json
import pathlib

import numpy as np
import pytest

from support.programs import output_of
from support.programs import run_cases
from support.runs import numpy_classifier
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_json

pytestmark = [pytest.mark.programs, pytest.mark.versions]

DRIVER = pathlib.Path(__file__).with_name("step_losses.py")


@pytest.fixture(scope="module")
def by_devices(data_dir):
    """What the driver prints on one and on two devices."""
    cases = [(DRIVER, {}, data_dir, number) for number in (1, 2)]
    return {
        number: json.loads(output_of(result).splitlines()[-1])
        for number, result in enumerate(run_cases(cases, data_dir), 1)
    }


@pytest.fixture(scope="module")
def predicted(two_device_run, data_dir):
    """Probabilities of the test split by NumPy from model.keras, labels."""
    clips = numpy_classifier.read_clips(data_dir, "test")
    path = two_device_run.output_dir / "model.keras"
    return numpy_classifier.predict(path, clips), clips.labels


def test_the_driver_has_so_many_replicas(by_devices):
    assert {n: x["replicas"] for n, x in by_devices.items()} == {1: 1, 2: 2}


def test_every_steps_loss_is_that_of_one_device(by_devices):
    one, two = (np.array(by_devices[n]["losses"]) for n in (1, 2))
    assert len(one) == 20 and one[-1] < 0.5 * one[0]
    np.testing.assert_allclose(two, one, rtol=1e-4)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_is_that_of_one_device(split, by_devices):
    """The last batch has 7 clips in validation and a single one in test."""
    one, two = (by_devices[n][split] for n in (1, 2))
    assert two["accuracy"] == pytest.approx(one["accuracy"], abs=1e-6)
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
    assert one["accuracy"] > 0.6


def test_a_run_on_two_devices_learns(two_device_run):
    epochs = read_epochs(two_device_run)
    assert epochs[-1]["loss"] < 0.7 * epochs[0]["loss"]
    assert read_json(two_device_run, "flags.json")["logical_devices"] == 2


def test_a_run_on_two_devices_measures_what_numpy_does(
    two_device_run, predicted
):
    result = read_json(two_device_run, "result.json")
    accuracy = numpy_classifier.accuracy(*predicted)
    assert result["test_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    loss = numpy_classifier.loss(*predicted)
    assert result["test_loss"] == pytest.approx(loss, rel=1e-4)


def test_its_saved_model_has_the_same_accuracy(two_device_run):
    result = read_json(two_device_run, "result.json")
    served = result["test_accuracy_of_saved_model"]
    assert served == pytest.approx(result["test_accuracy"], abs=1e-6)
