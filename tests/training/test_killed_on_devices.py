"""On two devices, too, a run that is killed ends as one that never was."""

import json

import pytest

from support.programs import output_of
from support.programs import run_program
from support.training import device_runs

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    printed = output_of(run_program(device_runs.__file__, folder))
    return json.loads(printed.splitlines()[-1])


def test_two_devices_train(found):
    assert found["replicas"] == 2 and found["largest_weight"] > 0.01
    first, second = found["losses"]
    assert 0 < second != first > 0


@pytest.mark.parametrize("name", device_runs.LOOKS)
def test_a_kill_changes_nothing(name, found):
    assert found["same"][name] is True
