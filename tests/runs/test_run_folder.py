"""A run's folder: claimed, resumed, or rejected."""

import json

import pytest

from ac_keras.runs import folder as run_folder
from support.training import small_run

FLAGS = {"epochs": 3, "rate": 0.1, "num_units": ["rgb:4"], "log_steps": 5}
FREE = ("log_steps", "new_free")


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return [small_run.write_clips(folder / str(i), seed=i) for i in range(2)]


@pytest.fixture
def folder(manifests, tmp_path):
    run_folder.claim(tmp_path / "a" / "run", FLAGS, manifests[0], FREE)
    return tmp_path / "a" / "run"


def contents(folder):
    return {x.name: x.read_bytes() for x in folder.iterdir()}


def test_what_the_run_depends_on_is_kept(folder, manifests):
    assert json.loads((folder / "flags.json").read_text()) == FLAGS
    dataset = json.loads((folder / "dataset.json").read_text())
    assert dataset["name"] == manifests[0].description.name
    assert len(dataset["manifest_sha256"]) == 64


@pytest.mark.parametrize("more", [{}, {"log_steps": 6, "new_free": True}])
def test_the_same_run_goes_on_and_changes_nothing(more, folder, manifests):
    """Free flags may differ, and what a kill left half written is removed."""
    before = contents(folder)
    (folder / ".epochs.csv.123.partial").write_text("half")
    (folder / ".model.keras.123.partial.keras").write_text("half")
    run_folder.claim(folder, {**FLAGS, **more}, manifests[0], FREE)
    assert contents(folder) == before and len(before) == 2
    (folder / "dataset.json").unlink()  # as if killed halfway
    run_folder.claim(folder, {**FLAGS, **more}, manifests[0], FREE)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("flags", "dataset", "message"),
    [
        (
            {"epochs": 4, "rate": 0.1, "num_units": ["2"], "log_steps": 6},
            0,
            r"with epochs: 3 there, 4 now; num_units: \['rgb:4'\] there, "
            r"\['2'\] now\. Name another output folder",
        ),
        (
            {"epochs": 3, "num_units": ["rgb:4"], "log_steps": 5, "more": 1},
            0,
            "with more: None there, 1 now; rate: 0.1 there, None now",
        ),
        (FLAGS, 1, "with manifest_sha256: '.*' there, '.*' now"),
        ({}, 1, "Name another output folder"),
    ],
)
def test_another_run_is_rejected_with_every_difference(
    flags, dataset, message, folder, manifests
):
    before = contents(folder)
    with pytest.raises(ValueError, match=message):
        run_folder.claim(folder, flags, manifests[dataset], FREE)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("average_momentum", "ema_momentum"),
        ("classifier_rate", "classifier_lr_multiplier"),
        ("classifier_rate", "classifier_rate"),  # in cells of Flash-MNIST
    ],
)
def test_flags_are_compared_under_their_old_names_too(
    old, new, manifests, tmp_path
):
    run_folder.claim(tmp_path, {old: 0.9, "epochs": 3}, manifests[0])
    before = contents(tmp_path)
    run_folder.claim(tmp_path, {new: 0.9, "epochs": 3}, manifests[0])
    message = f"with {new}: 0.9 there, 0.5 now. "
    with pytest.raises(ValueError, match=message):
        run_folder.claim(tmp_path, {new: 0.5, "epochs": 3}, manifests[0])
    assert contents(tmp_path) == before


def test_a_check_of_a_free_folder_makes_none(manifests, tmp_path):
    kept = run_folder.check(tmp_path / "run", FLAGS, manifests[0], FREE)
    assert kept["flags.json"] == FLAGS
    assert not (tmp_path / "run").exists()
