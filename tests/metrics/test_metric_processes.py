"""Two devices, other backends: programs in processes of their own."""

import importlib.util
import json

import numpy as np
import pytest

from support.metrics import metrics_on_backend
from support.metrics import metrics_on_devices
from support.metrics.metric_definitions import defined_values
from support.metrics.metric_definitions import scored_videos
from support.programs import output_of
from support.programs import run_cases
from support.programs import run_program
from support.programs import run_python

pytestmark = [pytest.mark.programs, pytest.mark.versions]


def last_json(result):
    """The JSON that a program prints last."""
    return json.loads(output_of(result).splitlines()[-1])


@pytest.fixture(scope="module")
def by_devices():
    cases = [(metrics_on_devices.__file__, {}, number) for number in (1, 2)]
    return dict(zip((1, 2), map(last_json, run_cases(cases)), strict=True))


@pytest.fixture(scope="module")
def defined():
    shape = metrics_on_devices.NUM_VIDEOS, metrics_on_devices.NUM_CLASSES
    rng = np.random.default_rng(0)
    values = defined_values(*scored_videos(rng, *shape, levels=40), 3)
    return {**values, "at_end": values["map"]}


@pytest.mark.parametrize("num_devices", [1, 2])
@pytest.mark.parametrize("way", ["loop", "evaluate", "fit"])
def test_each_way_of_running_gives_the_defined_values(
    by_devices, defined, num_devices, way
):
    assert by_devices[num_devices]["replicas"] == num_devices
    received = by_devices[num_devices][way]
    names = [name for name in defined if name in received]
    assert len(names) == len(defined) - (way == "fit")
    for name in names:
        assert 0.1 < defined[name] < 0.95
        assert received[name] == pytest.approx(defined[name], abs=1e-6), name
    if way == "loop":
        assert received["merged"] == pytest.approx(defined["map"], abs=1e-3)


def test_two_devices_add_up_to_the_same_confusion_matrix(by_devices):
    one, two = (np.array(by_devices[n]["loop"]["confusion"]) for n in (1, 2))
    assert one.sum() == metrics_on_devices.NUM_VIDEOS
    np.testing.assert_array_equal(two, one)


def test_reset_empties_every_device(by_devices):
    assert set(by_devices[2]["after_reset"]) == {0.0}


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_each_backend_gives_the_defined_values(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run = run_program if backend == "tensorflow" else run_python
    env = {"KERAS_BACKEND": backend}
    result = last_json(run(metrics_on_backend.__file__, env=env))
    assert result["backend"] == backend
    shape = metrics_on_backend.NUM_VIDEOS, metrics_on_backend.NUM_CLASSES
    labels, scores = scored_videos(np.random.default_rng(0), *shape, levels=20)
    labels[0] = 1.0
    expected = defined_values(labels, scores, 5)
    for way in ("plainly", "statelessly", "evaluate"):
        for name in ("hit_at_1", "perr", "gap", "map"):
            received = result[way][name]
            assert received == pytest.approx(expected[name], abs=2e-6), name
        merged = result[way]["merged"]  # 8 groups for 130 videos.
        assert merged == pytest.approx(expected["map"], abs=0.02)
    accuracy = expected["per_class_accuracy"]
    assert result["accuracy"] == pytest.approx(accuracy, abs=1e-6)
