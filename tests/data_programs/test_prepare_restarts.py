"""data/flash_mnist/prepare.py, killed, started again and started once more."""

import functools
import os
import shutil

import pytest

from ac_keras.pipeline import Manifest
from support.datasets.data_program import differing_files
from support.datasets.data_program import kill_prepare_at
from support.datasets.flash_mnist_runs import NUM_SHARDS
from support.datasets.flash_mnist_runs import complete_run
from support.datasets.flash_mnist_runs import run_small
from support.records.plain_records import folder_contents

pytestmark = pytest.mark.stress


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return complete_run(tmp_path_factory).directory


def kill_at(text, directory):
    run_small(directory, runner=functools.partial(kill_prepare_at, text))


def test_a_killed_run_ends_with_the_bytes_of_an_undisturbed_one(
    complete, tmp_path
):
    """Killed in pretraining, killed half-way and run to its end."""
    kill_at("Pretraining the CNN", tmp_path)
    assert list(folder_contents(tmp_path)) == ["writing.json"]
    kill_at(" 3/11 [", tmp_path)
    with pytest.raises(FileNotFoundError, match="continues when started"):
        Manifest.load(tmp_path)
    left, whole = folder_contents(tmp_path), folder_contents(complete)
    shards = [name for name in left if name.endswith(".tfrecord")]
    assert 3 <= len(shards) < sum(NUM_SHARDS.values())
    assert all(left[name] == whole[name] for name in shards)
    run_small(tmp_path)
    assert not differing_files(complete, tmp_path)
    assert len(whole) == 15


def test_the_number_of_cores_changes_no_byte(complete, tmp_path):
    run_small(tmp_path, cores={min(os.sched_getaffinity(0))})
    assert not differing_files(complete, tmp_path)


def test_the_same_command_again_sweeps_what_kills_left_and_no_more(
    complete, tmp_path
):
    directory = shutil.copytree(complete, tmp_path / "again")
    # The weights, half written, and a plan whose manifest is there already.
    for name in (
        ".frame_cnn.weights.h5.4711.partial.weights.h5",
        "writing.json",
    ):
        (directory / name).write_text("{}")
    assert run_small(directory) == f"{directory} is complete already.\n"
    assert not differing_files(complete, directory)


def test_the_same_command_adds_the_frames_digits_to_an_older_folder(
    complete, tmp_path
):
    directory = shutil.copytree(complete, tmp_path / "older")
    digits = directory / "frame_digits.npz"
    digits.unlink()
    said = run_small(directory)
    assert said.splitlines()[1:] == [f"{digits} was added."]
    assert not differing_files(complete, directory)
