"""On two devices, too, a run that is killed ends as one that never was."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import ac_keras
import device_runs


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = pathlib.Path(ac_keras.__file__).parents[1]
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    folder = tmp_path_factory.mktemp("devices")
    result = subprocess.run(
        [sys.executable, device_runs.__file__, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return json.loads(result.stdout.splitlines()[-1])


def test_two_devices_train(found):
    assert found["replicas"] == 2 and found["largest_weight"] > 0.01
    first, second = found["losses"]
    assert 0 < second != first > 0


@pytest.mark.parametrize("name", device_runs.LOOKS)
def test_a_kill_changes_nothing(name, found):
    assert found["same"][name] is True
