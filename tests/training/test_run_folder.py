"""A run's folder: made, gone on with, or refused."""

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


def test_the_same_run_goes_on_and_changes_nothing(folder, manifests):
    before = contents(folder)
    run_folder.claim(folder, FLAGS, manifests[0], FREE)
    assert contents(folder) == before and len(before) == 2


def test_free_flags_may_differ(folder, manifests):
    before = contents(folder)
    flags = {**FLAGS, "log_steps": 6, "new_free": True}
    run_folder.claim(folder, flags, manifests[0], FREE)
    assert contents(folder) == before


def test_every_other_flag_that_differs_is_shown(folder, manifests):
    flags = {"epochs": 4, "rate": 0.1, "num_units": ["2"], "log_steps": 6}
    with pytest.raises(ValueError) as error:
        run_folder.claim(folder, flags, manifests[0], FREE)
    assert (
        "epochs: 3 there, 4 now; num_units: ['rgb:4'] there, ['2'] now."
        in str(error.value)
    )
    assert "rate" not in str(error.value) and "log" not in str(error.value)


def test_a_flag_that_came_or_went_is_shown(folder, manifests):
    flags = {k: x for k, x in FLAGS.items() if k != "rate"} | {"more": 1}
    with pytest.raises(ValueError) as error:
        run_folder.claim(folder, flags, manifests[0], FREE)
    assert "more: None there, 1 now; rate: 0.1 there, None now" in str(
        error.value
    )


def test_another_dataset_is_refused_and_shown(folder, manifests):
    with pytest.raises(ValueError, match="manifest_sha256: '.*' there, '.*' "):
        run_folder.claim(folder, FLAGS, manifests[1], FREE)


def test_a_refused_folder_stays_as_it_is(folder, manifests):
    before = contents(folder)
    with pytest.raises(ValueError, match="Name another output folder"):
        run_folder.claim(folder, {}, manifests[1], FREE)
    assert contents(folder) == before


def test_what_a_killed_run_left_half_written_is_removed(folder, manifests):
    before = contents(folder)
    (folder / ".epochs.csv.123.partial").write_text("half")
    (folder / ".model.keras.123.partial.keras").write_text("half")
    run_folder.claim(folder, FLAGS, manifests[0], FREE)
    assert contents(folder) == before


def test_a_claim_that_was_killed_halfway_can_be_repeated(folder, manifests):
    before = contents(folder)
    (folder / "dataset.json").unlink()
    run_folder.claim(folder, FLAGS, manifests[0], FREE)
    assert contents(folder) == before


def test_a_check_of_a_free_folder_makes_none(manifests, tmp_path):
    kept = run_folder.check(tmp_path / "run", FLAGS, manifests[0], FREE)
    assert kept["flags.json"] == FLAGS
    assert not (tmp_path / "run").exists()
