"""What the programs say to wrong flags: a message and a non-zero status."""

import pytest

from support.programs import TRAINERS
from support.programs import run_cases
from support.runs.tiny_dataset import write_dataset

pytestmark = pytest.mark.programs

SHIPPED = sorted(path.name for path in (TRAINERS / "flags").iterdir())
CASES = {  # Wrong flags and a part of what is said.
    "no dataset": (
        {"data_dir": "nowhere"},
        "Expected a complete dataset with a manifest.json. Received: nowhere",
    ),
    "units of an unknown modality": (
        {"num_units": "rgb:4,smell:2"},
        "MODALITY:NUMBER pairs with modalities among ['rgb', 'audio', 'flow']. "
        "Received: num_units=rgb:4,smell:2",
    ),
    "an unknown flag": (
        {"learning_rte": 1},
        "Unknown command line flag 'learning_rte'. Did you mean: learning_rate",
    ),
    "class weights where a clip has several labels": (
        {"data_dir": "multi_label", "class_weights": True},
        "Expected --class_weights with one label a clip. Received: multi_label",
    ),
    "batches that two devices cannot share": (
        {"logical_devices": 2, "batch_size": 7},
        "Expected --batch_size",
    ),
    "an unknown initializer": (
        {"alpha_initializer": "uniform:1"},
        "Expected an initializer as constant:VALUE or "
        "normal:STANDARD_DEVIATION. Received: uniform:1",
    ),
    "an unknown flagfile": (
        {"flagfile": "other.flags"},
        f"one of {', '.join(SHIPPED)}. Received: 'other.flags'",
    ),
}
each_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    write_dataset(folder / "multi_label", multi_label=True)
    return folder


@pytest.fixture(scope="module")
def results(folder, data_dir):
    """Of every case the finished process."""
    right = {"data_dir": data_dir, "output_dir": "run", "epochs": 1}
    cases = [("train.py", {**right, **flags}) for flags, _ in CASES.values()]
    return dict(zip(CASES, run_cases(cases, folder), strict=True))


@each_case
def test_the_exit_status_is_not_zero(case, results):
    assert results[case].returncode != 0


@each_case
def test_the_message_says_what_was_received(case, results):
    said = results[case].stdout + results[case].stderr
    assert CASES[case][1] in " ".join(said.split())


def test_nothing_is_written_then(results, folder):
    assert results
    assert [path.name for path in folder.iterdir()] == ["multi_label"]
